# Pushes what the action's inputs name; the exit code goes to the outputs, so that the steps after it can tell it.
set -euo pipefail

given=()
option() { # NAME VALUE: an option whose value is not empty
  if [ -n "$2" ]; then given+=("$1=$2"); fi
}
option --directory "$DIRECTORY"
option --run "$RUN"
option --model "$MODEL"
option --format "$FORMAT"
option --names "$NAMES"
option --images "$IMAGES"
option --on-existing "$ON_EXISTING"
option --labels "$LABELS"
option --min-score "$MIN_SCORE"
if [ "$EXISTING" = true ]; then given+=(--existing); fi
while IFS= read -r line; do
  if [ -n "$line" ]; then given+=("$line"); fi
done <<< "$OPTIONS"

sources=()
while IFS= read -r line; do
  if [ -n "$line" ]; then sources+=("$line"); fi
done <<< "$SOURCE"

PATH="$RUNNER_TEMP/boxferry/bin:$PATH" # here alone: the job's own Python stays the first on its path
# a folder for each use of the action in a job, with a new outbox: the server tells what is there already
folder="$(mktemp -d "$RUNNER_TEMP/boxferry-push-XXXXXX")"
export BOXFERRY_OUTBOX="$folder/outbox.sqlite"
code=0
boxferry push "${given[@]}" --json -- "${sources[@]}" > "$folder/push.json" 2> "$folder/push.log" || code=$?
token="boxferry-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
{ # names and words of others are in it: to the runner they are no commands
  echo "::stop-commands::$token"
  cat "$folder/push.log"
  echo "::$token::"
} >&2
printf 'folder=%s\nexit-code=%s\n' "$folder" "$code" >> "$GITHUB_OUTPUT"

# what people have done with the run so far; after a mistake (2) or a refusal (3) nothing of it is known here
case $code in 2 | 3) exit 0 ;; esac
boxferry report --json -- "$RUN" > "$folder/report.json" 2>> "$folder/push.log" || true
