# refused at 2: filesystems: no resource of Gadi
#PBS -l filesystems=home
