"""Sound in files and arrays, and what all code takes for granted of a track."""

SAMPLE_RATE_HZ = 44_100
STREAMS = ("mixture", "drums", "bass", "other", "vocals")
FULL_SCALE = 32_768  # of the int16 samples in the stem cache
TARGETS = ("vocals", "accompaniment")
