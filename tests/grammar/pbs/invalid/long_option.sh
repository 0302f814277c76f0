# refused at 2: '--partition=normal' is not an option
#PBS --partition=normal
