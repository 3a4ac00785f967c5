/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.reflection.v1 and v1alpha, whose messages are the same. A client may send several requests; each is
 * answered before the next is read (method->turns). A file is sent with all it imports, so that a tool needs
 * to ask once. The index is made when the first request comes: most servers are never asked.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "reflection.pb-c.h"
#include "rpc/call.h"
#include "rpc/descriptors.h"
#include "rpc/method.h"

/* proto/embed.py */
extern const unsigned char proto_set[];
extern const size_t proto_set_size;

enum { REFLECTION_FILES = 64, REFLECTION_SERVICES = 32 };

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;
typedef Grpc__Reflection__V1__FileDescriptorResponse files_response;

struct file_set {
	const struct descriptor_file *files[REFLECTION_FILES];
	size_t n;
};

/* The file, then all behind its imports, each once and before those it imports itself. */
static void collect(const struct descriptor_file *file, struct file_set *set)
{
	const struct descriptor_file *wanted[REFLECTION_FILES] = { 0 };

	wanted[file->index] = file;
	/* What a file imports has a lower index. */
	for (size_t i = file->index + 1; i-- > 0;) {
		if (!wanted[i])
			continue;
		set->files[set->n++] = wanted[i];
		for (const struct descriptor_file **p = wanted[i]->imports; *p; p++)
			wanted[(*p)->index] = *p;
	}
}

static void send(struct rpc_call *call, reflection_request *request, reflection_response *response)
{
	response->valid_host = request->host;
	response->original_request = request;
	rpc_call_pack(call, &response->base);
}

static void send_error(struct rpc_call *call, reflection_request *request, grpc_status_code code,
		       const char *text)
{
	reflection_response m = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;

	error.error_code = (int32_t)code;
	error.error_message = (char *)text;
	m.message_response_case =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
	m.error_response = &error;
	send(call, request, &m);
}

static void send_files(struct rpc_call *call, reflection_request *request,
		       const struct descriptor_file *file, const char *missing)
{
	reflection_response m = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	files_response files = GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
	struct file_set set = { 0 };
	ProtobufCBinaryData bytes[REFLECTION_FILES];

	if (!file) {
		send_error(call, request, GRPC_STATUS_NOT_FOUND, missing);
		return;
	}
	collect(file, &set);
	for (size_t i = 0; i < set.n; i++)
		bytes[i] = (ProtobufCBinaryData){ .len = set.files[i]->bytes.len,
						  .data = (uint8_t *)set.files[i]->bytes.ptr };
	files.n_file_descriptor_proto = set.n;
	files.file_descriptor_proto = bytes;
	m.message_response_case =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
	m.file_descriptor_response = &files;
	send(call, request, &m);
}

static void send_services(struct rpc_call *call, reflection_request *request)
{
	reflection_response m = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	Grpc__Reflection__V1__ListServiceResponse list =
		GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
	Grpc__Reflection__V1__ServiceResponse rows[REFLECTION_SERVICES];
	Grpc__Reflection__V1__ServiceResponse *service[REFLECTION_SERVICES];

	for (size_t i = 0; rpc_services[i] && i < REFLECTION_SERVICES; i++) {
		grpc__reflection__v1__service_response__init(&rows[i]);
		rows[i].name = (char *)rpc_services[i]->name;
		service[i] = &rows[i];
		list.n_service = i + 1;
	}
	list.service = service;
	m.message_response_case =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
	m.list_services_response = &list;
	send(call, request, &m);
}

/* We have no extensions: none are found, and every type has none. */
static void send_extensions(struct rpc_call *call, reflection_request *request)
{
	reflection_response m = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	Grpc__Reflection__V1__ExtensionNumberResponse numbers =
		GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;
	bool message = false;

	if (!descriptors_by_symbol(call->shared->descriptors,
				   str_of(request->all_extension_numbers_of_type), &message) ||
	    !message) {
		send_error(call, request, GRPC_STATUS_NOT_FOUND, "no such message type");
		return;
	}
	numbers.base_type_name = request->all_extension_numbers_of_type;
	m.message_response_case =
		GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
	m.all_extension_numbers_response = &numbers;
	send(call, request, &m);
}

void reflection_request_info(struct rpc_call *call, const ProtobufCMessage *message)
{
	reflection_request *request = (reflection_request *)message;
	struct descriptors **d = &call->shared->descriptors;
	bool is_message;

	if (!*d &&
	    descriptors_new((struct str){ (const char *)proto_set, proto_set_size }, d) < 0) {
		rpc_call_finish(call, GRPC_STATUS_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	switch (request->message_request_case) {
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
		send_files(call, request,
			   descriptors_by_name(*d, str_of(request->file_by_filename)),
			   "no such file");
		break;
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
		send_files(call, request,
			   descriptors_by_symbol(*d, str_of(request->file_containing_symbol),
						 &is_message),
			   "no such symbol");
		break;
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
		send_error(call, request, GRPC_STATUS_NOT_FOUND, "no such extension");
		break;
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
		send_extensions(call, request);
		break;
	case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
		send_services(call, request);
		break;
	default:
		send_error(call, request, GRPC_STATUS_INVALID_ARGUMENT, "the request asks nothing");
		break;
	}
}

void reflection_half_closed(struct rpc_call *call)
{
	rpc_call_finish(call, GRPC_STATUS_OK, "");
}
