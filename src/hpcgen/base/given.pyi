# The types that Request accepts for each kind of text. A number is in seconds (Time) or MiB (Memory).
Token = str
Line = str
Text = str
Module = str
Name = str
Time = str | int
Memory = str | int
