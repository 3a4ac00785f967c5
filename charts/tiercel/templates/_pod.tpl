{{/* The pod, the same under a DaemonSet and a Deployment. */}}

{{/* An alert file outside what is mounted gets a volume at its directory. */}}
{{- define "tiercel.fileDir" -}}
{{- $f := .Values.tiercelEffective.config.file_output -}}
{{- if $f.enabled -}}
{{- $path := toString $f.filename -}}
{{- if not (hasPrefix "/" $path) -}}{{- $path = printf "/var/log/tiercel/%s" (trimPrefix "./" $path) -}}{{- end -}}
{{- $dir := dir $path -}}
{{- if or (has $dir (list "/" "/etc" "/usr" "/bin" "/sbin" "/lib" "/proc" "/sys" "/dev")) (hasPrefix "/etc/falco" $dir) (hasPrefix "/etc/tiercel" $dir) (contains "/../" $path) -}}
{{- fail (printf "falco.file_output.filename: %s: a directory of its own is needed, such as /var/log/tiercel" $f.filename) -}}
{{- end -}}
{{- $dir -}}
{{- end -}}
{{- end -}}

{{- define "tiercel.socketDir" -}}
{{- if eq (include "tiercel.transport" .) "unix" -}}
{{- dir (trimPrefix "unix://" .Values.tiercelEffective.config.grpc.bind_address) -}}
{{- end -}}
{{- end -}}

{{- define "tiercel.capabilities" -}}
{{/* PTRACE reads other users' /proc; the others give the network process its user, and its directory. */}}
- BPF
- PERFMON
- SYS_PTRACE
- DAC_READ_SEARCH
- CHOWN
- KILL
- SETGID
- SETUID
{{- end -}}

{{- define "tiercel.securityContext" -}}
{{- $v := .Values.tiercelEffective.values -}}
{{- if $v.containerSecurityContext -}}
{{ toYaml $v.containerSecurityContext }}
{{- else -}}
privileged: false
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsUser: 0
capabilities:
  drop: [ALL]
  add:
    {{- include "tiercel.capabilities" . | trim | nindent 4 }}
seccompProfile:
  type: {{ $v.seccomp.type }}
  {{- if eq $v.seccomp.type "Localhost" }}
  localhostProfile: {{ $v.seccomp.localhostProfile }}
  {{- end }}
{{- end -}}
{{- end -}}

{{- define "tiercel.probe" -}}
{{- $c := .root.Values.tiercelEffective.config.webserver -}}
httpGet:
  path: {{ $c.k8s_healthz_endpoint }}
  port: {{ $c.listen_port }}
  {{- if $c.ssl_enabled }}
  scheme: HTTPS
  {{- end }}
{{ toYaml .probe }}
{{- end -}}

{{- define "tiercel.env" -}}
{{- $v := .Values.tiercelEffective.values -}}
- name: HOST_ROOT
  value: /host
{{- if $v.falcoHostnameEnv }}
- name: FALCO_HOSTNAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: FALCO_K8S_NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- end }}
{{- with $v.timezone }}
- name: TZ
  value: {{ . | quote }}
{{- end }}
{{- range $key, $name := dict "httpProxy" "http_proxy" "httpsProxy" "https_proxy" "noProxy" "no_proxy" }}
{{- with get ($v.proxy | default dict) $key }}
- name: {{ $name }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- range $name, $value := (dig "env" dict ($v.daemonset | default dict)) }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- with $v.extra.env }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tiercel.mounts" -}}
{{- $v := .Values.tiercelEffective.values -}}
- name: config
  mountPath: /etc/tiercel/config
  readOnly: true
{{- if $v.customRules }}
- name: rules
  mountPath: /etc/falco/rules.d
  readOnly: true
{{- end }}
{{- if include "tiercel.certSource" . }}
- name: certs
  mountPath: /etc/falco/certs
  readOnly: true
{{- end }}
{{- if or $v.certs.existingClientSecret $v.certs.client.key }}
- name: client-certs
  mountPath: /etc/falco/certs/client
  readOnly: true
{{- end }}
- name: state
  mountPath: {{ dig "tiercel" "state_dir" "/var/lib/tiercel" .Values.tiercelEffective.config }}
- name: run
  mountPath: /run/tiercel
- name: tmp
  mountPath: /tmp
{{- with include "tiercel.socketDir" . }}
{{- if ne . "/run/tiercel" }}
- name: socket
  mountPath: {{ . }}
{{- end }}
{{- end }}
{{- with include "tiercel.fileDir" . }}
- name: alerts
  mountPath: {{ . }}
{{- end }}
- name: host-proc
  mountPath: /host/proc
  readOnly: true
- name: host-etc
  mountPath: /host/etc
  readOnly: true
{{- range $i, $dir := include "tiercel.socketDirs" . | trim | fromJsonArray }}
- name: runtime-{{ $i }}
  mountPath: /host{{ $dir }}
  readOnly: true
{{- end }}
{{- with $v.mounts.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tiercel.volumes" -}}
{{- $v := .Values.tiercelEffective.values -}}
{{- $full := include "tiercel.fullname" . -}}
- name: config
  configMap:
    name: {{ $full }}
{{- if $v.customRules }}
- name: rules
  configMap:
    name: {{ $full }}-rules
{{- end }}
{{- if include "tiercel.certSource" . }}
- name: certs
  secret:
    secretName: {{ include "tiercel.certSecret" . }}
    defaultMode: 0400
    {{- if eq (include "tiercel.certSource" .) "cert-manager" }}
    items:
      - key: tls.key
        path: server.key
      - key: tls.crt
        path: server.crt
      - key: ca.crt
        path: ca.crt
    {{- end }}
{{- end }}
{{- if or $v.certs.existingClientSecret $v.certs.client.key }}
- name: client-certs
  secret:
    secretName: {{ include "tiercel.clientSecret" . }}
    defaultMode: 0400
{{- end }}
- name: state
  {{- if $v.stateDir.hostPath }}
  hostPath:
    path: {{ $v.stateDir.hostPath }}
    type: DirectoryOrCreate
  {{- else }}
  emptyDir: {}
  {{- end }}
- name: run
  {{- if eq (include "tiercel.socketDir" .) "/run/tiercel" }}
  hostPath:
    path: /run/tiercel
    type: DirectoryOrCreate
  {{- else }}
  emptyDir: {}
  {{- end }}
- name: tmp
  emptyDir: {}
{{- with include "tiercel.socketDir" . }}
{{- if ne . "/run/tiercel" }}
- name: socket
  hostPath:
    path: {{ . }}
    type: DirectoryOrCreate
{{- end }}
{{- end }}
{{- if include "tiercel.fileDir" . }}
- name: alerts
  {{- if $v.fileOutput.hostPath }}
  hostPath:
    path: {{ $v.fileOutput.hostPath }}
    type: DirectoryOrCreate
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
- name: host-proc
  hostPath:
    path: /proc
- name: host-etc
  hostPath:
    path: /etc
{{- range $i, $dir := include "tiercel.socketDirs" . | trim | fromJsonArray }}
- name: runtime-{{ $i }}
  hostPath:
    path: {{ $dir }}
{{- end }}
{{- if and (eq $v.seccomp.type "Localhost") $v.seccomp.install }}
- name: kubelet-seccomp
  hostPath:
    path: {{ $v.seccomp.kubeletRoot }}/seccomp
    type: DirectoryOrCreate
{{- end }}
{{- with $v.mounts.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tiercel.pod" -}}
{{- $t := .Values.tiercelEffective -}}
{{- $v := $t.values -}}
{{- $c := $t.config -}}
{{- if not $v.driver.enabled -}}
{{- fail "driver.enabled: false: there is no source of events but the eBPF probe" -}}
{{- end -}}
{{- if and $v.seccomp.install (ne $v.seccomp.type "Localhost") -}}
{{- fail "seccomp.install needs seccomp.type: Localhost" -}}
{{- end -}}
metadata:
  labels:
    {{- include "tiercel.selector" . | nindent 4 }}
    app: falco
    role: security
    {{- with $v.podLabels }}
    {{- toYaml (omit . "app" "role" "app.kubernetes.io/name" "app.kubernetes.io/instance") | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: falco
    # Rules and certificates are taken over while running, these settings are not.
    checksum/config: {{ $c | toJson | sha256sum }}
    {{- with $v.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "tiercel.serviceAccount" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 30
  {{- with $v.podHostname }}
  hostname: {{ . }}
  {{- end }}
  {{- with $v.podPriorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.podSecurityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $v.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- $install := and (eq $v.seccomp.type "Localhost") $v.seccomp.install }}
  {{- if or $install $v.extra.initContainers }}
  initContainers:
    {{- if $install }}
    - name: seccomp
      image: {{ include "tiercel.image" . }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      command: [/bin/sh, -ec]
      args:
        - |
          mkdir -p "$(dirname "/seccomp/$1")"
          cp /etc/tiercel/config/seccomp.json "/seccomp/$1.new"
          mv "/seccomp/$1.new" "/seccomp/$1"
        - sh
        - {{ $v.seccomp.localhostProfile }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        runAsUser: 0
        capabilities:
          drop: [ALL]
        seccompProfile:
          type: RuntimeDefault
      volumeMounts:
        - name: config
          mountPath: /etc/tiercel/config
          readOnly: true
        - name: kubelet-seccomp
          mountPath: /seccomp
    {{- end }}
    {{- with $v.extra.initContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
  containers:
    - name: falco
      image: {{ include "tiercel.image" . }}
      imagePullPolicy: {{ $v.image.pullPolicy }}
      {{- if $v.tty }}
      tty: true
      {{- end }}
      command: [/usr/bin/tiercel]
      args:
        - run
        - -c
        - /etc/tiercel/config/falco.yaml
        {{- with $v.extra.args }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      workingDir: {{ include "tiercel.fileDir" . | default "/" }}
      env:
        {{- include "tiercel.env" . | nindent 8 }}
      ports:
        {{- if eq (include "tiercel.transport" .) "tcp" }}
        - name: grpc
          containerPort: {{ include "tiercel.grpcPort" . }}
          protocol: TCP
        {{- end }}
        {{- if $c.webserver.enabled }}
        - name: metrics
          containerPort: {{ $c.webserver.listen_port }}
          protocol: TCP
        {{- end }}
      {{- if $c.webserver.enabled }}
      startupProbe:
        {{- include "tiercel.probe" (dict "root" . "probe" $v.healthChecks.startupProbe) | nindent 8 }}
      livenessProbe:
        {{- include "tiercel.probe" (dict "root" . "probe" $v.healthChecks.livenessProbe) | nindent 8 }}
      readinessProbe:
        {{- include "tiercel.probe" (dict "root" . "probe" $v.healthChecks.readinessProbe) | nindent 8 }}
      {{- end }}
      terminationMessagePolicy: FallbackToLogsOnError
      securityContext:
        {{- include "tiercel.securityContext" . | nindent 8 }}
      resources:
        {{- toYaml $v.resources | nindent 8 }}
      volumeMounts:
        {{- include "tiercel.mounts" . | nindent 8 }}
  volumes:
    {{- include "tiercel.volumes" . | nindent 4 }}
{{- end -}}
