"""What people do, as records: founding, minutes, goods. Reads the store, seals with a person's key, hands to a door."""
