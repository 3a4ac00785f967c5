{{/* Falco's name, unless told otherwise: what selects Falco's pods in dashboards and scripts selects these. */}}
{{- define "tiercel.name" -}}
{{- .Values.nameOverride | default "falco" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "tiercel.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := .Values.nameOverride | default .Chart.Name -}}
{{- if or (contains $name .Release.Name) (eq .Release.Name "falco") -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tiercel.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- define "tiercel.selector" -}}
app.kubernetes.io/name: {{ include "tiercel.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "tiercel.labels" -}}
{{ include "tiercel.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: tiercel
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "tiercel.image" -}}
{{- $i := .Values.tiercelEffective.values.image -}}
{{- printf "%s/%s:%s" $i.registry $i.repository (toString ($i.tag | default .Chart.AppVersion)) | trimPrefix "/" -}}
{{- end -}}

{{- define "tiercel.serviceAccount" -}}
{{- $s := .Values.serviceAccount -}}
{{- ternary ($s.name | default (include "tiercel.fullname" .)) ($s.name | default "default") $s.create -}}
{{- end -}}

{{/* "unix", "tcp", or nothing when there is no gRPC server. */}}
{{- define "tiercel.transport" -}}
{{- $c := .Values.tiercelEffective.config -}}
{{- if $c.grpc.enabled -}}
{{- ternary "unix" "tcp" (hasPrefix "unix:" $c.grpc.bind_address) -}}
{{- end -}}
{{- end -}}

{{- define "tiercel.grpcPort" -}}
{{- regexFind "[0-9]+$" .Values.tiercelEffective.config.grpc.bind_address -}}
{{- end -}}

{{/* Where the certificates come from: existing, values, cert-manager, job, or nothing. */}}
{{- define "tiercel.certSource" -}}
{{- $s := .Values.certs -}}
{{- if ne (not $s.client.key) (not $s.client.crt) -}}
  {{- fail "certs: client.key and client.crt belong together, one is missing" -}}
{{- else if and $s.client.key (not $s.ca.crt) (not $s.existingClientSecret) -}}
  {{- fail "certs: client.key and client.crt come with the ca.crt that signed them, which is missing" -}}
{{- end -}}
{{- if $s.existingSecret -}}existing
{{- else if or $s.server.key $s.server.crt $s.ca.crt -}}
  {{- if not (and $s.server.key $s.server.crt $s.ca.crt) -}}
    {{- fail "certs: server.key, server.crt and ca.crt belong together, one is missing" -}}
  {{- end -}}
values
{{- else if eq (include "tiercel.transport" .) "tcp" -}}
  {{- if $s.certManager.enabled -}}cert-manager
  {{- else if $s.job.enabled -}}job
  {{- else -}}
    {{- fail "falco.grpc listens on TCP and needs certificates: certs.existingSecret, certs.server and certs.ca, certs.certManager or certs.job" -}}
  {{- end -}}
{{- end -}}
{{- end -}}

{{- define "tiercel.certSecret" -}}
{{- .Values.certs.existingSecret | default (printf "%s-certs" (include "tiercel.fullname" .)) -}}
{{- end -}}

{{- define "tiercel.clientSecret" -}}
{{- .Values.certs.existingClientSecret | default (printf "%s-client-certs" (include "tiercel.fullname" .)) -}}
{{- end -}}

{{- define "tiercel.dnsNames" -}}
{{- $name := printf "%s-grpc" (include "tiercel.fullname" .) -}}
{{- $ns := include "tiercel.namespace" . -}}
{{ list $name (printf "%s.%s" $name $ns) (printf "%s.%s.svc" $name $ns) (printf "%s.%s.svc.cluster.local" $name $ns) "localhost" | toJson }}
{{- end -}}

{{/* Directories of the runtimes' sockets, each once. */}}
{{- define "tiercel.socketDirs" -}}
{{- $dirs := list -}}
{{- range $name, $e := .Values.tiercelEffective.config.container_engines -}}
  {{- if $e.enabled -}}
    {{- range $e.sockets -}}
      {{- if not (hasPrefix "/" .) -}}{{- fail (printf "%s: the path of a runtime's socket begins with /" .) -}}{{- end -}}
      {{- $dirs = append $dirs (dir .) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{ $dirs | uniq | sortAlpha | toJson }}
{{- end -}}
