/* SPDX-License-Identifier: Apache-2.0 */
/* What an HTTP receiver needs beside struct output_settings; see http.c. The texts are copied. */
#pragma once

#include "output/output.h"

struct http_settings {
	struct str url, user_agent;
	struct str ca_pem;	      /* PEM; empty: ca_path counts */
	struct str ca_path;	      /* directory of hashed certificates */
	struct str cert_pem, key_pem; /* the client's; empty: none */
	bool insecure;		      /* the receiver's certificate is not verified */
	bool echo;		      /* its answers go to standard output */
	bool compress;		      /* bodies are sent as gzip */
	bool keep_alive;	      /* TCP keep-alive */
	bool json;		      /* what lines are: Content-Type */
	bool lines;		      /* several may come in one request: each has its end */
};

extern const struct output_ops output_http;
