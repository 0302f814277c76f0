# Each node gets a copy of what is staged, in a folder that is removed when the job ends. Archives are unpacked.
#% if staging.parent
HPCGEN_STAGED={{ staging.parent|expanding }}/hpcgen-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
#% else
HPCGEN_STAGED="${TMPDIR:-/tmp}"/hpcgen-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
#% endif
HPCGEN_STAGE=$(cat <<'BASH'
fail() {
    echo "hpcgen: staging on $HOSTNAME failed: $*" >&2
    [ ! -d "$HPCGEN_STAGED.lock" ] || : >"$HPCGEN_STAGED.lock/failed"
    exit 1
}
umask 077
if [ "$0" = remove ]; then
    rm -rf -- "$HPCGEN_STAGED" "$HPCGEN_STAGED.part" "$HPCGEN_STAGED.lock"
    exit 0
fi
if ! mkdir -- "$HPCGEN_STAGED.lock" 2>/dev/null; then
    [ -d "$HPCGEN_STAGED.lock" ] || fail "no folder can be made in ${HPCGEN_STAGED%/*}"
    until [ -d "$HPCGEN_STAGED" ]; do
        [ ! -e "$HPCGEN_STAGED.lock/failed" ] || exit 1
        sleep 0.2
    done
    exit 0
fi
mkdir -- "$HPCGEN_STAGED.part" || fail "no folder can be made in ${HPCGEN_STAGED%/*}"
for item do
    case $item in
        "~/"*) item=$HOME/${item#??} ;;
        -*) item=./$item ;;
    esac
    name=${item%/}
    name=${name##*/}
    case $item in
        *.tar | *.tgz | *.tar.gz | *.tar.zst | *.tar.xz | *.tar.bz2)
            name=${name%.tgz}
            name=$HPCGEN_STAGED.part/${name%.tar*}
            mkdir -- "$name" && tar --force-local --no-same-owner -xf "$item" -C "$name" || fail "$item"
            ;;
        *) cp -aH -- "$item" "$HPCGEN_STAGED.part/" || fail "$item" ;;
    esac
done
mv -- "$HPCGEN_STAGED.part" "$HPCGEN_STAGED" || fail "$HPCGEN_STAGED"
BASH
)
export HPCGEN_STAGED HPCGEN_STAGE
unstage() {
#% for line in staging.removing
    {{ line }} || :
#% endfor
}
trap unstage EXIT
#% for line in staging.copying
{{ line }} || exit
#% endfor
