/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control channel between the sensor and the network process: typed messages, both ways, over a
 * SOCK_SEQPACKET pair. Neither side trusts the other: every length is checked, a message is at most
 * LIMIT_CONTROL_BYTES, what waits to be sent is bounded, and no call blocks.
 *
 * Messages are rows in control.c (kind, fields); on the wire a text is a length and bytes, a number eight
 * bytes. One thread per struct control.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum control_kind {
	CONTROL_SETTINGS = 1, /* to the network process, first */
	CONTROL_READY,	      /* its answer: it listens */
	CONTROL_FAILED,	      /* its answer: it does not and will exit; why, for a person */
	CONTROL_ASK,	      /* either side asks the other */
	CONTROL_ANSWER,	      /* the answer, perhaps much later */
	CONTROL_STOP,	      /* to the network process: end the streams and exit */
	CONTROL_LOG,	      /* to the sensor: a line for its log */
	CONTROL_HTTP,	      /* likewise, and when they change: one of all HTTP receivers */
	CONTROL_HTTP_END,     /* that were all of them */
	CONTROL_WEB,	/* likewise, and when it changes: the web endpoint; without address: none */
	CONTROL_ACCESS, /* to the network process, before the settings and when it changes */
	CONTROL_HTTP_AT, /* to the sensor: how far the receiver is, for the next start */
	CONTROL_ALERT,	 /* to the sensor: something is wrong, raise an internal alert */
	CONTROL_LOGGING, /* to the network process, when it changes: how to log */
};

struct control_settings {
	struct str bind_address; /* unix://PATH or host:port; empty: no gRPC server */
	struct str hostname;
	struct str version;	   /* what `version` answers, MAJOR.MINOR.PATCH[-PRE][+BUILD] */
	struct str engine_version; /* empty: 0.63.0 */
	struct str fields_checksum;
	uint64_t stream_alerts; /* kept for subscribers; 0: LIMIT_STREAM_ALERTS */
	uint64_t stream_bytes;	/* 0: 32 MiB */
	uint64_t epoch;		/* of the sequence numbers; 0: the time now */
	struct str user;    /* who the process becomes once it listens; empty: stays who it is */
	uint64_t log_level; /* enum log_level */
	uint64_t log_stderr, log_syslog, log_iso_8601;
	struct str state_dir; /* where the journal's directory is, or is made; empty: no journal */
	uint64_t journal_bytes;	 /* 0: 256 MiB */
	uint64_t journal_age_ns; /* 0: no bound */
	uint64_t first_seq;	 /* this run of the sensor began with it; 0: a new run */
};

struct control_ready {
	struct str text;    /* the addresses, with the real ports */
	uint64_t first_seq; /* the number this run of the sensor begins with */
	uint64_t journal;   /* 0: the numbers are not a journal's, and will not be in this run */
};

/* What an internal alert of the network process is about: its rule's name is the sensor's to know. */
enum control_cause {
	CAUSE_JOURNAL,
	CAUSE_JOURNAL_GAP,
	CAUSE_CERTIFICATES,
	CAUSE_POLICY,
	CAUSE_SETTINGS, /* of a reload */
	CAUSES,
};

/* Who may come in. What is fixed when the server starts is not looked at in later messages. */
struct control_access {
	/* How messages call the texts below; cert_name or policy_name empty: there are none. */
	struct str cert_name, key_name, ca_name, crl_name, policy_name;
	struct str cert_pem, key_pem, ca_pem, crl_pem, policy; /* read by the privileged side */
	uint64_t common_names;				       /* a common name is an identity */
	uint64_t max_calls, max_calls_each; /* 0: LIMIT_CALLS, LIMIT_CALLS_EACH */
	/* Fixed at the start. */
	uint64_t socket_mode; /* permission bits of the unix socket; 0: 0660 */
	uint64_t has_group, socket_group;
	uint64_t message_bytes, handshake_ms, ping_ms; /* 0: the defaults (access.c) */
};

struct control_http {
	struct str name; /* in the log, in metrics, and of its place in the journal */
	struct str url, user_agent, ca_pem, ca_path, cert_pem, key_pem;
	uint64_t insecure, echo, compress, keep_alive, json;
	uint64_t batch;	     /* alerts of one request; 0: 1 */
	uint64_t spool;	     /* what it missed comes from the journal */
	uint64_t give_up_ms; /* an alert is tried for so long; 0: until it is accepted */
	uint64_t after;	     /* it has the alerts up to this number; 0: not known */
};

struct control_web {
	struct str address, health_path, versions;
	struct str pem; /* certificate and key; empty: HTTP without TLS */
	uint64_t port;
	uint64_t metrics; /* /metrics is served */
	uint64_t groups;  /* enum metrics_group */
};

/*
 * What can be asked; question and answer are packed messages of proto/tiercel.proto, WHATRequest and WHATResponse. Of
 * ASK_NAMES they are lines: the names of hosts, and each with all its addresses behind it, divided by blanks.
 */
enum control_what {
	ASK_STATUS,	/* of the network process */
	ASK_LIST_RULES, /* these of the sensor */
	ASK_GET_RULE,
	ASK_VALIDATE_RULES,
	ASK_RELOAD,
	ASK_NAMES, /* the network process, as the sensor opens no socket */
	ASKS,
};

/* With all but ANSWER_OK the text is for a person. */
enum control_outcome {
	ANSWER_OK,
	ANSWER_INVALID,	  /* the question */
	ANSWER_NOT_FOUND, /* what it asks for */
	ANSWER_BUSY,	  /* too much is asked for */
	ANSWER_LATE,	  /* it took too long */
	ANSWER_FAILED,	  /* a fault of ours, or not now */
	ANSWERS,
};

struct control_ask {
	uint64_t id;   /* the asker's, which uses it once */
	uint64_t what; /* enum control_what */
	struct str text;
};

struct control_answer {
	uint64_t id;	  /* of the question */
	uint64_t outcome; /* enum control_outcome */
	struct str text;
};

/* Which member is valid follows from kind. Texts are valid until the next control_receive. */
struct control_message {
	enum control_kind kind;
	union {
		struct control_settings settings;
		struct control_ask ask;
		struct control_answer answer;
		struct control_http http;
		struct control_access access;
		struct control_ready ready;
		struct control_http_at {
			struct str name;
			uint64_t seq;
		} http_at;
		struct control_alert {
			uint64_t cause; /* enum control_cause */
			struct str text;
		} alert;
		struct control_web web;
		struct control_logging {
			uint64_t level; /* enum log_level */
			uint64_t to_stderr, to_syslog, iso_8601;
		} logging;
		struct str text; /* FAILED */
		struct control_log {
			uint64_t level;
			struct str text;
		} log;
	};
};

struct control;

/* The two ends; both close-on-exec and non-blocking: the spawner passes one of them on. */
int control_pair(int ret_fds[2]);
/* The descriptor stays the caller's. */
int control_new(int fd, struct control **ret);
struct control *control_free(struct control *c);
int control_fd(const struct control *c);

/*
 * Queues the message and sends what can be sent. 0: all is sent; 1: some waits: call control_flush when the
 * descriptor is writable; -EMSGSIZE, -ENOMEM; -ENOBUFS: too much is waiting already, the message is dropped;
 * -EPIPE and the like: the other side is gone.
 */
int control_send(struct control *c, const struct control_message *m);
int control_flush(struct control *c);

/*
 * 1: *ret is a message; 0: nothing to read now; -EPIPE: the other side has closed; -EBADMSG: it sent what is
 * no message: the channel is of no more use.
 */
int control_receive(struct control *c, struct control_message *ret);
/* Waits up to timeout_ms for a message: 1, 0 when none came, or as control_receive. For starting up. */
int control_wait(struct control *c, int timeout_ms, struct control_message *ret);
