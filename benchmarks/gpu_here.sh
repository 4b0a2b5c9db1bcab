#!/bin/sh
# What is typed on a bare machine with a GPU (Python, torch, numpy; no network), in the checkout's root, a call at a time:
# each brings at most 64 MiB, and takes its results home from $OUT.
#
#   before     the parcels, at home: benchmarks/gpu_parcel.py says how
#   call 1     sh benchmarks/gpu_here.sh measure parcels/parcel-1     the first clips: right, and fast
#   call 2..   sh benchmarks/gpu_here.sh bring parcels/parcel-2       the other clips, while the machine is warm
#   last call  sh benchmarks/gpu_here.sh train                        what time is left: good
#   after      python benchmarks/gpu_rows.py gpu.json                 at home: the rows of the docs
#
# Clips are unpacked outside the checkout, which each call may bring anew. MINUTES is how long a call may take.
set -eu
DATA="${DATA:-/tmp/sepbench-clips}"
export OUT="${OUT:-.}"

case "${1:-}" in
measure)
    python3 benchmarks/gpu_parcel.py unpack "$2" --data "$DATA"
    python3 benchmarks/gpu.py --data "$DATA" --minutes "${MINUTES:-5}" --parts right fast
    ;;
bring)
    python3 benchmarks/gpu_parcel.py unpack "$2" --data "$DATA"
    ;;
train)
    python3 benchmarks/gpu.py --data "$DATA" --minutes "${MINUTES:-5}" --parts good
    ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
