{{/*
Values become one tree of this chart's own names before any manifest looks at them. Rows say what older
names mean (files/legacy.yaml), so that no manifest has to know them.
*/}}

{{/* tiercel.lookup (values, path, out): out.found, out.value */}}
{{- define "tiercel.lookup" -}}
{{- $at := .values -}}
{{- $found := true -}}
{{- range splitList "." .path -}}
  {{- if and $found (kindIs "map" $at) -}}
    {{- if hasKey $at . -}}{{- $at = get $at . -}}{{- else -}}{{- $found = false -}}{{- end -}}
  {{- else -}}{{- $found = false -}}{{- end -}}
{{- end -}}
{{- $_ := set .out "found" (and $found (not (kindIs "invalid" $at))) -}}
{{- $_ := set .out "value" $at -}}
{{- end -}}

{{/* tiercel.put (values, path, value): makes the maps on the way; a map is merged, a list appended */}}
{{- define "tiercel.put" -}}
{{- $at := .values -}}
{{- $names := splitList "." .path -}}
{{- range initial $names -}}
  {{- if not (kindIs "map" (get $at .)) -}}{{- $_ := set $at . dict -}}{{- end -}}
  {{- $at = get $at . -}}
{{- end -}}
{{- $old := get $at (last $names) -}}
{{- if and (kindIs "map" $old) (kindIs "map" .value) -}}
  {{- $_ := set $at (last $names) (mergeOverwrite (deepCopy $old) .value) -}}
{{- else if and .append (kindIs "slice" $old) (kindIs "slice" .value) -}}
  {{- $_ := set $at (last $names) (concat $old .value) -}}
{{- else -}}
  {{- $_ := set $at (last $names) .value -}}
{{- end -}}
{{- end -}}

{{- define "tiercel.drop" -}}
{{- $at := .values -}}
{{- $names := splitList "." .path -}}
{{- range initial $names -}}{{- $at = get $at . | default dict -}}{{- end -}}
{{- $_ := unset $at (last $names) -}}
{{- end -}}

{{/* tiercel.snake (from, to, known, camel): the keys of falco.* as falco.yaml spells them, snake_case first */}}
{{- define "tiercel.snake" -}}
{{- $d := . -}}
{{- range $pass := list "snake" "camel" -}}
{{- range $key, $value := $d.from -}}
  {{- $name := get $d.camel $key | default $key -}}
  {{- if and (eq $name $key) (not (hasKey $d.known $key)) (hasKey $d.known (snakecase $key)) -}}
    {{- $name = snakecase $key -}}
  {{- end -}}
  {{- if eq $pass (ternary "snake" "camel" (eq $name $key)) -}}
    {{- $below := get $d.known $name -}}
    {{- if and (kindIs "map" $below) (kindIs "map" $value) -}}
      {{- if not (kindIs "map" (get $d.to $name)) -}}{{- $_ := set $d.to $name dict -}}{{- end -}}
      {{- include "tiercel.snake" (dict "from" $value "to" (get $d.to $name) "known" $below "camel" $d.camel) -}}
    {{- else if not (hasKey $d.to $name) -}}
      {{- $_ := set $d.to $name $value -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* tiercel.nearest (word, names, out): out.best, the name that shares most pairs of letters with the word */}}
{{- define "tiercel.nearest" -}}
{{- $out := .out -}}
{{- $word := .word | lower | replace "_" "" | replace "-" "" -}}
{{- $_ := set $out "best" "" -}}
{{- $_ := set $out "score" 300 -}}
{{- range $name := .names -}}
  {{- $plain := $name | lower | replace "_" "" | replace "-" "" -}}
  {{- $common := 0 -}}
  {{- range $i := until (int (sub (len $word) 1)) -}}
    {{- if contains (substr $i (int (add $i 2)) $word) $plain -}}{{- $common = add $common 1 -}}{{- end -}}
  {{- end -}}
  {{- $score := div (mul 2000 $common) (max 1 (sub (add (len $word) (len $plain)) 2)) -}}
  {{- if gt (int $score) (int $out.score) -}}
    {{- $_ := set $out "score" $score -}}
    {{- $_ := set $out "best" $name -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/* tiercel.check (values, known, path, faults): every name must be known */}}
{{- define "tiercel.check" -}}
{{- $d := . -}}
{{- range $key, $value := $d.values -}}
  {{- $path := ternary $key (printf "%s.%s" $d.path $key) (eq $d.path "") -}}
  {{- if not (hasKey $d.known $key) -}}
    {{- $near := dict -}}
    {{- include "tiercel.nearest" (dict "word" $key "names" (keys $d.known | sortAlpha) "out" $near) -}}
    {{- $hint := ternary (printf "; did you mean %s?" $near.best) "" (ne $near.best "") -}}
    {{- $_ := set $d.faults "list" (append $d.faults.list (printf "unknown value %s%s" $path $hint)) -}}
  {{- else if and (kindIs "map" (get $d.known $key)) (kindIs "map" $value) -}}
    {{- include "tiercel.check" (dict "values" $value "known" (get $d.known $key) "path" $path "faults" $d.faults) -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/* tiercel.legacy (values, rows, t): old names into new ones, and notes */}}
{{- define "tiercel.legacy" -}}
{{- $values := .values -}}
{{- $t := .t -}}
{{- $given := .given -}}
{{- $done := dict -}}
{{- $got := dict -}}
{{- range $row := .rows -}}
  {{- include "tiercel.lookup" (dict "values" $given "path" $row.from "out" $got) -}}
  {{- if $got.found -}}
    {{- $value := $got.value -}}
    {{- $quiet := false -}}
    {{- range $row.unless -}}{{- if eq (toJson .) (toJson $value) -}}{{- $quiet = true -}}{{- end -}}{{- end -}}
    {{- if $row.drop -}}{{- include "tiercel.drop" (dict "values" $values "path" $row.from) -}}{{- end -}}
    {{- if and $row.to (not $quiet) -}}
      {{- if $row.list -}}{{- $value = list $value -}}{{- end -}}
      {{- if $row.or -}}{{- $value = or $value (get $done $row.to) -}}{{- end -}}
      {{- include "tiercel.put" (dict "values" $values "path" $row.to "value" $value "append" (hasKey $done $row.to)) -}}
      {{- $_ := set $done $row.to $value -}}
    {{- end -}}
    {{- if and $row.note (not $quiet) -}}
      {{- $text := $row.note -}}
      {{- if contains "%s" $text -}}{{- $text = printf $text (toString $value) -}}{{- end -}}
      {{- $_ := set $t "notes" (append $t.notes (printf "%s: %s" $row.from $text)) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{/* Leaves .Values.tiercelEffective: values, config (falco.yaml), notes. Every manifest begins with it. */}}
{{- define "tiercel.init" -}}
{{- if not (hasKey .Values "tiercelEffective") -}}
  {{- $t := dict "notes" list -}}
  {{- $values := deepCopy .Values -}}
  {{- $known := .Files.Get "files/known.yaml" | fromYaml -}}
  {{- $camel := .Files.Get "files/camel.yaml" | fromYaml -}}
  {{- $falco := dict -}}
  {{- include "tiercel.snake" (dict "from" $values.falco "to" $falco "known" $known.falco "camel" $camel) -}}
  {{- $_ := set $values "falco" $falco -}}
  {{- $faults := dict "list" list -}}
  {{- include "tiercel.check" (dict "values" $values "known" $known "path" "" "faults" $faults) -}}
  {{- if and $faults.list $values.strictValues -}}
    {{- fail (printf "\n\n  %s\n\n  strictValues: false only notes them.\n" (join "\n  " $faults.list)) -}}
  {{- end -}}
  {{- range $faults.list -}}{{- $_ := set $t "notes" (append $t.notes .) -}}{{- end -}}
  {{- $rows := .Files.Get "files/legacy.yaml" | fromYamlArray -}}
  {{- include "tiercel.legacy" (dict "values" $values "given" (deepCopy $values) "rows" $rows "t" $t) -}}
  {{- $_ := set $t "values" $values -}}
  {{- include "tiercel.config" (dict "root" . "t" $t) -}}
  {{- $_ := set .Values "tiercelEffective" $t -}}
{{- end -}}
{{- end -}}
