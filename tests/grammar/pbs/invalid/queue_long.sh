# refused at 2: is not a queue
#PBS -q a_queue_with_too_long_a_name
