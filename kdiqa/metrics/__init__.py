"""How well scores agree with the MOS, and the table both come from."""
