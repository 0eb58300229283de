"""What minute books come to: pages, mandates, votes, results, certificates. Pure."""
