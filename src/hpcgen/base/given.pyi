# What may be given for each kind of text; a number of seconds or MiB for a time or an amount of memory.
Token = str
Line = str
Text = str
Module = str
Name = str
Time = str | int
Memory = str | int
