"""What is in the folder of a data set, and whether it is what it should be."""
