"""The dictionaries themselves, one file each. They are read by `fedsync.records.dictionary`."""
