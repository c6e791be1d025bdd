"""`crawlery ...`: one file for each group of commands. What a command computes lives elsewhere; here it is asked and shown."""
