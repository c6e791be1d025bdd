"""`crawlery ...`: one file for each command. What a command computes lives elsewhere; here it is asked and shown."""
