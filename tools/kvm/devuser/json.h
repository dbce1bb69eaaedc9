/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVM_DEVUSER_JSON_H
#define KVM_DEVUSER_JSON_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes a JSON document to memory. The name of a member is NULL in an array and at the
 * top; each object and array that is begun has to be ended.
 */
struct json;

struct json *json_new(bool pretty);
void json_object(struct json *json, const char *name);
void json_array(struct json *json, const char *name);
void json_end(struct json *json);

/* Bytes that are no UTF-8 are replaced; NULL is null. */
void json_string(struct json *json, const char *name, const char *value);
void json_uint(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);

/* With one digit behind the point. */
void json_rate(struct json *json, const char *name, double value);

/* The text, in one line unless it is pretty; frees the writer. */
char *json_finish(struct json *json);

#endif
