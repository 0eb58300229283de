"""What the dictionary for thin links is made of: records like those that people write, without what is different in each."""
