"""Popolo, the data form of public bodies: people, organizations, posts, memberships, motions, votes. Pure."""
