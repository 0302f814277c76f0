# refused at 2: is not a job's name
#BSUB -J my/job
