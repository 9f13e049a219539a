{{- define "audit.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "audit.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* What every pod has in common. Nothing is written but /tmp, and no pod speaks to Kubernetes. */ -}}
{{- define "audit.pod" -}}
automountServiceAccountToken: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "audit.container" -}}
image: "{{ .Values.image.repository }}@{{ .Values.image.digest }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* .kafka: whether the pod reaches Kafka. */ -}}
{{- define "audit.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: secrets, mountPath: /run/secrets/audit, readOnly: true}
{{- if and .kafka .root.Values.kafka.caConfigMap }}
- {name: kafka-ca, mountPath: /run/kafka, readOnly: true}
{{- end }}
{{- if and .kafka .root.Values.kafka.clientCertificateSecret }}
- {name: kafka-client, mountPath: /run/kafka-client, readOnly: true}
{{- end }}
{{- end }}

{{- /* Only the keys in .keys of the Secret are mounted: each command sees its own passwords. */ -}}
{{- define "audit.volumes" -}}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
- name: secrets
  secret:
    secretName: {{ .root.Values.secretName }}
    defaultMode: 0440
    items:
    {{- range .keys }}
    - {key: {{ . }}, path: {{ . }}}
    {{- end }}
{{- $kafka := has "kafka_password" .keys }}
{{- if and $kafka .root.Values.kafka.caConfigMap }}
- name: kafka-ca
  configMap: {name: {{ .root.Values.kafka.caConfigMap }}}
{{- end }}
{{- if and $kafka .root.Values.kafka.clientCertificateSecret }}
- name: kafka-client
  secret: {secretName: {{ .root.Values.kafka.clientCertificateSecret }}, defaultMode: 0440}
{{- end }}
{{- end }}

{{- define "audit.kafka" -}}
- {name: KAFKA_BOOTSTRAP_SERVERS, value: {{ .Values.kafka.bootstrapServers | quote }}}
- {name: KAFKA_SECURITY_PROTOCOL, value: {{ .Values.kafka.securityProtocol }}}
{{- if eq .Values.kafka.securityProtocol "SASL_SSL" }}
- {name: KAFKA_SASL_MECHANISM, value: {{ .Values.kafka.saslMechanism }}}
- {name: KAFKA_SASL_USERNAME, value: {{ .Values.kafka.saslUsername | quote }}}
- {name: KAFKA_SASL_PASSWORD_FILE, value: /run/secrets/audit/kafka_password}
{{- end }}
{{- if .Values.kafka.caConfigMap }}
- {name: KAFKA_SSL_CA_FILE, value: /run/kafka/ca.pem}
{{- end }}
{{- if .Values.kafka.clientCertificateSecret }}
- {name: KAFKA_SSL_CERTIFICATE_FILE, value: /run/kafka-client/tls.crt}
- {name: KAFKA_SSL_KEY_FILE, value: /run/kafka-client/tls.key}
{{- end }}
- {name: SCHEMA_REGISTRY_URL, value: {{ .Values.schemaRegistryUrl | quote }}}
{{- end }}

{{- define "audit.log" -}}
- {name: AUDIT_CLICKHOUSE_DATABASE, value: {{ .root.Values.clickhouseDatabase }}}
- {name: CLICKHOUSE_URL_FILE, value: /run/secrets/audit/clickhouse_url_{{ .account }}}
- {name: AUDIT_PSEUDONYMIZATION_KEY_FILE, value: /run/secrets/audit/pseudonymization_key}
{{- end }}
