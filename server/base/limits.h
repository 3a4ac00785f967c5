/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every limit of the program has its name here. Reaching one is an outcome with a counter or a
 * diagnostic, never silence or an abort.
 */
#pragma once

enum {
	/* Rule language. Depths are counted as the reference counts them (rules-language.md 3.4). */
	LIMIT_CONDITION_DEPTH = 100,	    /* default of a stand-alone condition */
	LIMIT_RULE_CONDITION_DEPTH = 1000,  /* conditions inside rules files */
	LIMIT_STRING_LITERAL = 255,	    /* bytes of one literal */
	LIMIT_CONDITION_BYTES = 4 << 20,    /* after list expansion */
	LIMIT_RULES = 200000,		    /* items of one kind in all files */
	LIMIT_EXCEPTIONS = 10000,	    /* appended to one rule */
	LIMIT_RULES_FILE_BYTES = 128 << 20, /* one rules file */
	LIMIT_YAML_DEPTH = 64,
	LIMIT_YAML_NODES = 4 << 20, /* after aliases are followed: stops alias bombs */
	LIMIT_TEST_DEPTH = 16,	    /* directories below one that `tiercel test` gets */
	LIMIT_CONFIG_BYTES = 4 << 20,

	/* Events. */
	LIMIT_RECORD_BYTES = 64 << 10, /* one record on a ring, in a capture, or from /proc */
	LIMIT_PARAMS = 40,	       /* parameters of one event, extras included */
	LIMIT_PATH = 4096,
	LIMIT_ARGS = 4096,	/* argument or environment bytes of one exec that are kept */
	LIMIT_ANCESTORS = 100,	/* steps taken towards the root of a process tree */
	LIMIT_THREADS = 262144, /* default size of the thread table */
	LIMIT_LIST_TEXT = 1024, /* printed bytes of a list value */

	/* Containers. */
	LIMIT_HOST_NAMES = 256,		/* of hosts that rules ask for */
	LIMIT_HOST_ADDRESSES = 64,	/* of one of them */
	LIMIT_CONTAINERS = 16384,	/* known at once */
	LIMIT_RUNTIME_ANSWER = 2 << 20, /* bytes of one answer of a runtime */
	LIMIT_RUNTIME_REQUESTS = 4096,	/* containers asked for at once */
	LIMIT_WAITING = 4096,		/* events waiting for what their container is */
	LIMIT_WAITING_CONTAINER = 256,	/* of one container */
	LIMIT_WAITING_BYTES = 32 << 20,

	/* Alerts and streams. */
	LIMIT_ALERT_BYTES = 256 << 10,
	LIMIT_QUEUE = 16384,	       /* alerts waiting for one channel */
	LIMIT_LINK_RING = 16 << 20,    /* bytes, power of two */
	LIMIT_CONTROL_BYTES = 1 << 20, /* one control message between the processes */
	LIMIT_STREAM_ALERTS = 65536,   /* alerts kept in memory for subscribers */
	LIMIT_RECEIVERS = 17,	       /* of HTTP */
	LIMIT_FOLDED = 4096,	       /* different alerts whose like are being counted */
	LIMIT_SILENCE_SECONDS = 15,    /* without a self-test event: not healthy */
	LIMIT_WEB_CONNECTIONS = 64,    /* open at once to the web endpoint */
	LIMIT_STREAM_FILTERS = 256,    /* entries of allow and deny of one stream */
	LIMIT_STREAM_PATTERNS = 4096,  /* texts in all of them */
	LIMIT_STREAM_REGEXES = 4,      /* in its condition */
	LIMIT_STREAM_REGEX = 512,      /* bytes of one of them */
	LIMIT_GRPC_MESSAGE = 64 << 10, /* default of the bytes received in one message */
	LIMIT_CALLS = 1024,	       /* default of gRPC calls open at once */
	LIMIT_CALLS_EACH = 256,	       /* default of those of one identity */
	LIMIT_RELAYS = 16,	       /* calls open at once that the sensor answers */
	LIMIT_QUESTION = 512 << 10,    /* bytes of a question that one of them asks */
	LIMIT_SERIES = 65536,	       /* labelled counters of one process */
	LIMIT_SERIES_TEXT = 16 << 20,  /* bytes of their labels */
};
