#!/usr/bin/env bash
# Shows that the targets find what they are for: plants the faults of planted/ one at a time in a copy of the tree, and
# fuzzes that target from its corpus for at most a minute.
#
# exit status: 0 every fault was found, 1 one was not, 2 a patch no longer applies or does not build
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'git worktree remove --force "$copy/tree" 2>/dev/null; rm -rf "$copy"' EXIT
git worktree add --quiet --detach "$copy/tree"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
missed=0
for patch in fuzz/planted/*.patch; do
    name=$(basename "$patch" .patch)
    target=${name%%-*}
    git -C "$copy/tree" checkout --quiet .
    git -C "$copy/tree" apply "$PWD/$patch" || { echo "$name: the patch no longer applies"; exit 2; }
    (cd "$copy/tree" && cargo fuzz build --features libfuzzer -s none "$target" >"$copy/build" 2>&1) ||
        { cat "$copy/build"; echo "$name: does not build"; exit 2; }
    start=$SECONDS
    rm -rf "$copy/tree/fuzz/artifacts"
    (cd "$copy/tree" && cargo fuzz run --features libfuzzer -s none "$target" -- -max_total_time=60 >"$copy/run" 2>&1) || true
    # Found is what left its input; a target that did not even start is not.
    if compgen -G "$copy/tree/fuzz/artifacts/$target/*" >/dev/null; then
        echo "$name: found after $((SECONDS - start)) s: $(grep -m1 -E "panicked at|memory allocation|rss limit|deadly signal" "$copy/run" || true)"
    else
        tail -n 5 "$copy/run"
        echo "$name: NOT found within a minute"
        missed=1
    fi
done
exit $missed
