# refused at 2: -W group: no such attribute
#PBS -W group=chem
