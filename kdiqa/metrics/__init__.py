"""How well scores agree with opinions, and the table both come from."""
