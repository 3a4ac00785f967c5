{{/*
tiercel.config (root, t): t.config, the configuration file as a tree. What the chart says is overridden by
falco.*, except where only the chart can know (a Service's port, a mounted file).
*/}}
{{- define "tiercel.config" -}}
{{- $t := .t -}}
{{- $v := $t.values -}}
{{- $given := $v.falco -}}
{{- $c := .root.Files.Get "files/falco.yaml" | fromYaml -}}
{{- $_ := set $c "engine" (include "tiercel.engine" $v | fromYaml) -}}
{{- $_ := set $c "container_engines" (include "tiercel.runtimes" $v | fromYaml) -}}
{{- $_ := set $c "tiercel" (dict "containers" (dict "label_max_len" $v.collectors.containerEngine.labelMaxLen)) -}}
{{- if $v.metrics.enabled -}}
  {{- $_ := set $c "metrics" (include "tiercel.metrics" $v | fromYaml) -}}
  {{- $_ := set $c.webserver "prometheus_metrics_enabled" true -}}
{{- end -}}
{{- if $v.falcosidekick.enabled -}}
  {{- $_ := set $c "json_output" true -}}
  {{- $_ := set $c "http_output" (dict "enabled" true "url" (include "tiercel.sidekick" .)) -}}
  {{- $_ := set $t "notes" (append $t.notes (printf "falcosidekick: alerts go to %s; falcosidekick itself is not installed by this chart" (include "tiercel.sidekick" .))) -}}
{{- end -}}
{{- $levels := $c.rules -}}
{{- $c = mergeOverwrite $c (deepCopy (omit $given "grpc")) -}}
{{- if $given.rules -}}{{- $_ := set $c "rules" (concat $levels $given.rules) -}}{{- end -}}
{{- $grpc := get $given "grpc" | default dict -}}
{{- if $grpc.unix_socket_path -}}
  {{- $_ := set $c.grpc "bind_address" $grpc.unix_socket_path -}}
{{- else if $grpc.listen_port -}}
  {{- $_ := set $c.grpc "bind_address" (printf "0.0.0.0:%v" $grpc.listen_port) -}}
{{- end -}}
{{- $_ := set $c "grpc" (mergeOverwrite $c.grpc (deepCopy (omit $grpc "unix_socket_path" "listen_port"))) -}}
{{- if and (hasPrefix "unix://" $c.grpc.bind_address) (not (hasPrefix "unix:///" $c.grpc.bind_address)) -}}
  {{- fail (printf "falco.grpc.bind_address: %s: expected unix:///PATH" $c.grpc.bind_address) -}}
{{- end -}}
{{- $c = omit $c "liveness_probe" "readiness_probe" "rules_file" -}}
{{- if hasKey $given "rules_file" -}}{{- $_ := set $c "rules_files" $given.rules_files -}}{{- end -}}
{{- if kindIs "string" $c.rules_files -}}{{- $_ := set $c "rules_files" (list $c.rules_files) -}}{{- end -}}
{{- if and $v.customRules (not (has "/etc/falco/rules.d" $c.rules_files)) -}}
  {{- $_ := set $c "rules_files" (append $c.rules_files "/etc/falco/rules.d") -}}
{{- end -}}
{{- if not $c.file_output.filename -}}{{- $_ := set $c.file_output "filename" "/var/log/tiercel/events.txt" -}}{{- end -}}
{{- if $c.file_output.enabled -}}
  {{- $where := ternary (printf "directory %s of the node" $v.fileOutput.hostPath) "a volume that ends with the pod" (ne $v.fileOutput.hostPath "") -}}
  {{- $_ := set $t "notes" (append $t.notes (printf "falco.file_output: %s is in %s (fileOutput.hostPath)" $c.file_output.filename $where)) -}}
{{- end -}}
{{- $target := $v.metrics.service.ports.metrics.targetPort -}}
{{- if and $v.metrics.enabled (not (has (toString $target) (list (toString $c.webserver.listen_port) "8765" "metrics"))) -}}
  {{- $_ := set $t "notes" (append $t.notes (printf "metrics.service.ports.metrics.targetPort: the Service leads to falco.webserver.listen_port, %v" $c.webserver.listen_port)) -}}
{{- end -}}
{{- $_ := set $t "config" $c -}}
{{- end -}}

{{- define "tiercel.engine" -}}
{{- $d := .driver -}}
kind: modern_ebpf
modern_ebpf:
  buf_size_preset: {{ $d.modernEbpf.bufSizePreset }}
  drop_failed_exit: {{ $d.modernEbpf.dropFailedExit }}
  cpus_for_each_buffer: {{ $d.modernEbpf.cpusForEachBuffer }}
  disable_iterators: {{ $d.modernEbpf.disableIterators }}
{{- end -}}

{{- define "tiercel.runtimes" -}}
{{- $on := and .collectors.enabled .collectors.containerEngine.enabled -}}
{{- range $name := list "docker" "podman" "cri" }}
{{- $e := get $.collectors.containerEngine.engines $name }}
{{ $name }}:
  enabled: {{ and $on $e.enabled }}
  sockets: {{ $e.sockets | toJson }}
{{- end }}
{{- end -}}

{{- define "tiercel.metrics" -}}
{{- $m := .metrics -}}
enabled: true
interval: {{ $m.interval }}
output_rule: {{ $m.outputRule }}
rules_counters_enabled: {{ $m.rulesCountersEnabled }}
resource_utilization_enabled: {{ $m.resourceUtilizationEnabled }}
state_counters_enabled: {{ $m.stateCountersEnabled }}
kernel_event_counters_enabled: {{ $m.kernelEventCountersEnabled }}
kernel_event_counters_per_cpu_enabled: {{ $m.kernelEventCountersPerCPUEnabled }}
libbpf_stats_enabled: {{ $m.libbpfStatsEnabled }}
convert_memory_to_mb: {{ $m.convertMemoryToMB }}
include_empty_values: {{ $m.includeEmptyValues }}
{{- end -}}

{{- define "tiercel.sidekick" -}}
{{- $s := .t.values.falcosidekick -}}
{{- $domain := ternary (printf ".%s.svc.cluster.local" (include "tiercel.namespace" .root)) "" (eq (toString $s.fullfqdn) "true") -}}
{{- $s.address | default (printf "http://%s-falcosidekick%s:%s" .root.Release.Name $domain (toString $s.listenPort | default "2801")) -}}
{{- end -}}
