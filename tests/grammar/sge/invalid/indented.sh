# refused at 3: it is silently ignored
# qsub takes it
  #$ -N indented
