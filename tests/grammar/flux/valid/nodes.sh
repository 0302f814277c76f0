#!/bin/sh
#FLUX: -N4                  # Request four nodes
#FLUX: --time-limit=1.5h    # An hour and a half
flux run -N4 app
