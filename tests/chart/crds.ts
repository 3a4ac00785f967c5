// The parts we use of kinds that clusters may have beside Kubernetes' own.
import { ObjectMeta, LabelSelector } from "kubernetes-types/meta/v1";

export interface Certificate {
	apiVersion: "cert-manager.io/v1";
	kind: "Certificate";
	metadata: ObjectMeta;
	spec: {
		secretName: string;
		duration?: string;
		renewBefore?: string;
		privateKey?: {
			algorithm?: "RSA" | "ECDSA" | "Ed25519";
			encoding?: "PKCS1" | "PKCS8";
			size?: number;
			rotationPolicy?: "Never" | "Always";
		};
		usages?: string[];
		commonName?: string;
		dnsNames?: string[];
		issuerRef: { name: string; kind?: string; group?: string };
	};
}

interface Endpoint {
	port: string;
	path?: string;
	interval?: string;
	scrapeTimeout?: string;
	scheme?: "http" | "https";
	honorLabels?: boolean;
	tlsConfig?: object;
	relabelings?: object[];
	metricRelabelings?: object[];
}

export interface ServiceMonitor {
	apiVersion: "monitoring.coreos.com/v1";
	kind: "ServiceMonitor";
	metadata: ObjectMeta;
	spec: {
		selector: LabelSelector;
		namespaceSelector?: { matchNames?: string[]; any?: boolean };
		targetLabels?: string[];
		endpoints: Endpoint[];
	};
}
