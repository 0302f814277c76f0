#!/bin/bash -l
#SBATCH --time=00:05:00 --partition=gpu-h100
#SBATCH --nodes=1 --ntasks=2 --gres=gpu:h100:2

srun bash -c 'echo devices $CUDA_VISIBLE_DEVICES'
