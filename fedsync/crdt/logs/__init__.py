"""How much of each log of facts and plans counts, and why. Pure."""
