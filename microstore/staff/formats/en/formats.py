"""Formats of dates and times on English pages that name none, which are those of the admin."""

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = r"Y-m-d H:i:s \U\T\C"  # TIME_ZONE, in which log lines are, too
