"""The commands of stock and rotas."""
