/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The programs of the probe in the kernel. They come in layers: libbpf loads an object once, so what is
 * wanted later is loaded from another copy of the object that has the maps of the first. Nothing is loaded
 * or attached that no wanted event needs. One thread at a time; not that of the rings.
 */
#pragma once

#include <stdint.h>

#include "source/bpf.h"
#include "source/bpf_calls.h"

enum { BPF_LAYERS = 32, BPF_HOOKS = 16, BPF_REFUSED = 32, BPF_NAME = 32 };

struct bpf_link;
struct probe;

struct bpf_load {
	struct probe *layers[BPF_LAYERS]; /* the first is always there and owns the maps */
	size_t nlayers;
	struct bpf_link *links[BPF_HOOKS]; /* by number in bpf_hooks */
	struct bpf_numbers numbers;
	char refused[BPF_REFUSED][BPF_NAME]; /* programs that this kernel does not take */
	size_t nrefused;
	uint32_t programs, left_out;
};

/*
 * The programs for the options; nothing runs yet. Errors as of bpf_source_open. A program that this kernel
 * refuses is left out, which is logged with what it costs.
 */
int bpf_load_open(struct bpf_load *l, const struct bpf_options *o, size_t ncpu, struct diag *d);
/* Loads what is missing, then lets all that the options ask for run. */
int bpf_load_enable(struct bpf_load *l, const struct bpf_options *o, struct diag *d);
/* Stops what the options do not ask for; programs stay loaded. */
void bpf_load_disable(struct bpf_load *l, const struct bpf_options *o);
void bpf_load_done(struct bpf_load *l);

/* For the person who reads what failed while `doing` something; returns r. */
int bpf_explain(int r, const char *doing, struct diag *d);
