#!/bin/bash
#$ -A myaccount -wd /tmp -R y -r no -p -100 -notify -w e
#$ -t 2-10:2 -tc 3
#$ -m abes -M me@example.org,you
#$ -e /tmp/$JOB_NAME.$TASK_ID -o $HOME/$JOB_ID.out
#$ -hold_jid 12,prepare
#$ -S /bin/bash
#$ -V -v 'GREETING=hello you',PATH
#$ -a 203012312359.30 -now n -terse -b n
#$ -pe smp 2-4 -binding linear:2
echo hello
