"""The commands of bodies, people, books, decisions, mandates, motions and votes."""
