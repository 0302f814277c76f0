# refused at 2: 'this' is not an option
#$ this is a comment
