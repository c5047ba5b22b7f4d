/*
 * Stands for libpam and an application, so that the module runs under sanitizers: driver KEY=VALUE...
 *
 *   hook=account|auth|open_session|close_session|setcred   run it, with what was set before; prints "CODE STYLE TEXT"
 *   user= service= rhost= tty= info=                       PAM items and SSH_AUTH_INFO_0 for the hooks that follow
 *   fail=items|user|data                                   that function fails from here on
 *   argument=TEXT                                          an argument in the PAM line
 *   bare=1                                                 a PAM line without arguments again
 *   silent=1                                               PAM_SILENT
 *   transaction=1                                          a new one
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

struct pam_handle {
	const char *user, *service, *rhost, *tty, *info;
	const char *fail;
	const void *data;
	char said[4096];
};

static int fails(const pam_handle_t *h, const char *what)
{
	return h->fail != NULL && strcmp(h->fail, what) == 0;
}

int pam_get_item(const pam_handle_t *h, int item, const void **out)
{
	if (fails(h, "items"))
		return PAM_BAD_ITEM;
	*out = item == PAM_SERVICE ? h->service : item == PAM_RHOST ? h->rhost : item == PAM_TTY ? h->tty : NULL;
	return PAM_SUCCESS;
}

int pam_get_user(pam_handle_t *h, const char **user, const char *prompt)
{
	if (prompt != NULL)
		abort();
	*user = h->user;
	return fails(h, "user") ? PAM_CONV_ERR : PAM_SUCCESS;
}

const char *pam_getenv(pam_handle_t *h, const char *name)
{
	return strcmp(name, "SSH_AUTH_INFO_0") == 0 ? h->info : NULL;
}

int pam_set_data(pam_handle_t *h, const char *name, void *data, void (*cleanup)(pam_handle_t *, void *, int))
{
	if (strcmp(name, "dpki_user") != 0 || cleanup != NULL)
		abort();
	if (fails(h, "data"))
		return PAM_BUF_ERR;
	h->data = data;
	return PAM_SUCCESS;
}

int pam_get_data(const pam_handle_t *h, const char *name, const void **data)
{
	if (strcmp(name, "dpki_user") != 0 || h->data == NULL)
		return PAM_NO_MODULE_DATA;
	*data = h->data;
	return PAM_SUCCESS;
}

int pam_prompt(pam_handle_t *h, int style, char **response, const char *format, ...)
{
	va_list args;
	size_t n;

	if (response != NULL || strcmp(format, "%s") != 0)
		abort(); /* a foreign text as format, or a question */
	n = (size_t)snprintf(h->said, sizeof(h->said), "%s ", style == PAM_TEXT_INFO ? "info" : "error");
	va_start(args, format);
	(void)vsnprintf(h->said + n, sizeof(h->said) - n, format, args);
	va_end(args);
	return PAM_SUCCESS;
}

void pam_syslog(const pam_handle_t *h, int priority, const char *format, ...)
{
	char line[1024];
	va_list args;

	(void)h, (void)priority;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "%s\n", line);
}

static const char *code_name(int code)
{
	switch (code) {
	case PAM_SUCCESS: return "SUCCESS";
	case PAM_AUTH_ERR: return "AUTH_ERR";
	case PAM_PERM_DENIED: return "PERM_DENIED";
	case PAM_SESSION_ERR: return "SESSION_ERR";
	case PAM_AUTHINFO_UNAVAIL: return "AUTHINFO_UNAVAIL";
	case PAM_IGNORE: return "IGNORE";
	case PAM_CRED_ERR: return "CRED_ERR";
	default: return "?";
	}
}

static int call(pam_handle_t *h, const char *hook, int flags, int argc, const char **argv)
{
	if (strcmp(hook, "auth") == 0)
		return pam_sm_authenticate(h, flags, argc, argv);
	if (strcmp(hook, "account") == 0)
		return pam_sm_acct_mgmt(h, flags, argc, argv);
	if (strcmp(hook, "open_session") == 0)
		return pam_sm_open_session(h, flags, argc, argv);
	if (strcmp(hook, "close_session") == 0)
		return pam_sm_close_session(h, flags, argc, argv);
	if (strcmp(hook, "setcred") == 0)
		return pam_sm_setcred(h, flags, argc, argv);
	abort();
}

int main(int argc, char **argv)
{
	pam_handle_t h = {.user = "alice", .service = "sshd", .rhost = "192.0.2.1", .tty = "ssh"};
	const char *arguments[4] = {NULL};
	int count = 0, flags = 0, i;

	for (i = 1; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			abort();
		*value++ = '\0';
		if (strcmp(argv[i], "hook") == 0) {
			int code;

			h.said[0] = '\0';
			code = call(&h, value, flags, count, arguments);
			printf("%s %s\n", code_name(code), h.said);
			fflush(stdout);
		} else if (strcmp(argv[i], "user") == 0)
			h.user = value;
		else if (strcmp(argv[i], "service") == 0)
			h.service = value;
		else if (strcmp(argv[i], "rhost") == 0)
			h.rhost = value;
		else if (strcmp(argv[i], "tty") == 0)
			h.tty = *value == '\0' ? NULL : value;
		else if (strcmp(argv[i], "info") == 0)
			h.info = value;
		else if (strcmp(argv[i], "fail") == 0)
			h.fail = value;
		else if (strcmp(argv[i], "bare") == 0)
			count = 0;
		else if (strcmp(argv[i], "argument") == 0 && count < 4)
			arguments[count++] = value;
		else if (strcmp(argv[i], "silent") == 0)
			flags = (int)PAM_SILENT;
		else if (strcmp(argv[i], "transaction") == 0)
			h.data = NULL;
		else
			abort();
	}
	return 0;
}
