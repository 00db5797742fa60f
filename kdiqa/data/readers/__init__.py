"""One file per data set, with all that is peculiar to it."""
