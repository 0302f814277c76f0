# Copy the staged files to a folder on each node, and unpack archives. The script removes the folder when the job ends.
#% if staging.parent
HPCGEN_STAGED={{ staging.parent|expanding }}/hpcgen-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
#% else
HPCGEN_STAGED="${TMPDIR:-/tmp}"/hpcgen-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
#% endif
HPCGEN_STAGE=$(cat <<'BASH'
fail() {
    echo "hpcgen: staging on $(uname -n) failed: $*" >&2
    [ ! -d "$HPCGEN_STAGED.lock" ] || : >"$HPCGEN_STAGED.lock/failed"
    exit 1
}
claim() {
    if ! mkdir -- "$HPCGEN_STAGED.lock" 2>/dev/null; then
        [ -d "$HPCGEN_STAGED.lock" ] || fail "cannot make a folder in ${HPCGEN_STAGED%/*}"
        until [ -d "$HPCGEN_STAGED" ]; do
            [ ! -e "$HPCGEN_STAGED.lock/failed" ] || exit 1
            sleep 0.2
        done
        exit 0
    fi
    mkdir -- "$HPCGEN_STAGED.part" || fail "cannot make a folder in ${HPCGEN_STAGED%/*}"
}
unpack() {
    mkdir -- "$part" && tar --force-local --no-same-owner "$@" -C "$part" || fail "$item"
}
copy() {
    case $item in
        *.tar | *.tgz | *.tar.gz | *.tar.zst | *.tar.xz | *.tar.bz2)
            case $item in
                *.zst) tool=zstd ;;
                *.xz) tool=xz ;;
                *.bz2) tool=bzip2 ;;
                *) tool=tar ;;
            esac
            command -v "$tool" >/dev/null || fail "$item: $tool is not installed here: stage a .tar.gz"
            part=${part%.tgz}
            part=${part%.tar*}
            [ -f "$sent" ] || sent=$item
            unpack -xf "$sent"
            ;;
        *)
            if [ -f "$sent" ]; then
                mv -- "$sent" "$part" || fail "$item"
            elif [ -f "$sent.tar" ]; then
                unpack -xpf "$sent.tar"
            else
                cp -aH -- "$item" "$HPCGEN_STAGED.part/" || fail "$item"
            fi
            ;;
    esac
}
#% if staging.sending
refused() {
    case $said in
        *REQUEST_FILE_BCAST*"No such file or directory"*)
            echo "hpcgen: staging: sbcast cannot find $HPCGEN_STAGED.sent, because jobs have private folders here: each node reads the files itself" >&2
            exit 0
            ;;
    esac
    fail "$item: cannot send it to ${HPCGEN_STAGED%/*}: ${said%%$'\n'*}"
}
broadcast() {
#%   if staging.components
    for component in {{ staging.components }}; do
        said=$(sbcast --jobid="$SLURM_JOB_ID+$component" --force --preserve -- "$1" "$2" 2>&1) || refused
    done
#%   else
    said=$(sbcast --force --preserve -- "$1" "$2" 2>&1) || refused
#%   endif
}
send() {
    [ -e "$item" ] || fail "$item: no such file or folder"
    if [ -d "$item" ]; then
        # status 1: a file changed while tar read it
        tar --force-local -C "$item" -cf "$sent.pack" . || [ $? -eq 1 ] || fail "$item"
        broadcast "$sent.pack" "$sent.tar"
        rm -- "$sent.pack"
    elif [ -s "$item" ]; then
        broadcast "$item" "$sent"
    fi
}
#% endif
umask 077
case $0 in
    remove)
        rm -rf -- "$HPCGEN_STAGED" "$HPCGEN_STAGED.part" "$HPCGEN_STAGED.lock" "$HPCGEN_STAGED.sent"
        exit 0
        ;;
#% if staging.sending
    receive)
        mkdir -- "$HPCGEN_STAGED.sent" 2>/dev/null || [ -O "$HPCGEN_STAGED.sent" ] || fail "cannot make a folder in ${HPCGEN_STAGED%/*}"
        exit 0
        ;;
#% endif
    copy) claim ;;
esac
number=0
for item do
    number=$((number + 1))
    case $item in
        "~/"*) item=$HOME/${item#??} ;;
        -*) item=./$item ;;
    esac
    part=${item%/}
    part=$HPCGEN_STAGED.part/${part##*/}
    sent=$HPCGEN_STAGED.sent/$number
    "$0"
done
if [ "$0" = copy ]; then
    mv -- "$HPCGEN_STAGED.part" "$HPCGEN_STAGED" || fail "$HPCGEN_STAGED"
    rm -rf -- "$HPCGEN_STAGED.sent"
fi
BASH
)
export HPCGEN_STAGED HPCGEN_STAGE
unstage() {
#% for line in staging.removing
    {{ line }} || :
#% endfor
}
trap unstage EXIT
#% if staging.several
# sbcast is needed only for more than one node.
if [ {{ staging.several }} ]; then
#% endif
#% for line in staging.sending
{{ line }} || exit
#% endfor
#% if staging.several
fi
#% endif
#% for line in staging.copying
{{ line }} || exit
#% endfor
