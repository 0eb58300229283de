"""When a link may be used and how much may go over it: windows, budgets, turns. Pure."""
