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
# a new outbox: the server tells what is there already
export BOXFERRY_OUTBOX="$RUNNER_TEMP/boxferry.sqlite"
code=0
boxferry push "${given[@]}" --json -- "${sources[@]}" \
  > "$RUNNER_TEMP/boxferry-push.json" 2> "$RUNNER_TEMP/boxferry-push.log" || code=$?
cat "$RUNNER_TEMP/boxferry-push.log" >&2
echo "exit-code=$code" >> "$GITHUB_OUTPUT"

# what people have done with the run so far; after a mistake (2) or a refusal (3) nothing of it is known here
case $code in 2 | 3) exit 0 ;; esac
boxferry report --json -- "$RUN" > "$RUNNER_TEMP/boxferry-report.json" 2>> "$RUNNER_TEMP/boxferry-push.log" || true
