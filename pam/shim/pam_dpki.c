/*
 * pam_dpki: asks the device's daemon, and does what it says. docs/formats.md, section 11, types 16 to 19.
 *
 * It runs inside sshd and sudo as root, so it is small, allocates nothing, starts no thread (sshd forks after loading its
 * modules) and decides nothing: what is not a complete, well-formed "allow" within the deadline denies.
 *
 * The PAM line takes no argument; one that is there denies. There is deliberately no option that names another socket. The one
 * exception is a session line of its own, "note", ahead of everything: see note().
 */
#define _GNU_SOURCE /* struct ucred, SOCK_CLOEXEC */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#ifndef DPKI_PAM_SOCKET
#define DPKI_PAM_SOCKET "/run/dpki/pam.sock"
#endif
#ifndef DPKI_PAM_PEER
#define DPKI_PAM_PEER 0 /* uid of the daemon; both are other than these in tests only */
#endif
#define EXPORT __attribute__((visibility("default")))

enum {
	DEADLINE_MS = 2000,       /* for a whole exchange */
	AGENT_DEADLINE_MS = 15000, /* the same for sudo, where a person may have to touch a key */
	FIELD_MAX = 16384,  /* longest field: a certificate in SSH_AUTH_INFO_0 */
	USER_MAX = 256,
	REQUEST_HEADER = 7, /* "DPK1" | u8 type | u16 length */
	REQUEST_MAX = 20480,
	ANSWER_HEADER = 3, /* u8 code | u16 length */
	TEXT_MAX = 1024,
};

/* What came of asking. The zero value denies; absent is that no daemon listens, which only root can bring about. */
enum outcome { DENIED, ALLOWED, FAILED, ABSENT, OUTCOMES };

enum hook { AUTH, ACCOUNT, OPEN, CLOSE, HOOKS };

static const unsigned char request_type[HOOKS] = {[AUTH] = 19, [ACCOUNT] = 16, [OPEN] = 17, [CLOSE] = 18};

static const int deadline_ms[HOOKS] = {[AUTH] = AGENT_DEADLINE_MS, [ACCOUNT] = DEADLINE_MS, [OPEN] = DEADLINE_MS, [CLOSE] = DEADLINE_MS};

/*
 * The only place that gives a PAM code for an answer. PAM_AUTHINFO_UNAVAIL is a denial for `required`; a stack that lets the
 * break-glass keys in while the daemon is absent ignores just this code.
 */
static const int pam_code[HOOKS][OUTCOMES] = {
	[AUTH] = {[DENIED] = PAM_AUTH_ERR, [ALLOWED] = PAM_SUCCESS, [FAILED] = PAM_AUTH_ERR, [ABSENT] = PAM_AUTHINFO_UNAVAIL},
	[ACCOUNT] = {[DENIED] = PAM_PERM_DENIED, [ALLOWED] = PAM_SUCCESS, [FAILED] = PAM_PERM_DENIED, [ABSENT] = PAM_AUTHINFO_UNAVAIL},
	[OPEN] = {[DENIED] = PAM_SESSION_ERR, [ALLOWED] = PAM_SUCCESS, [FAILED] = PAM_SESSION_ERR, [ABSENT] = PAM_AUTHINFO_UNAVAIL},
	/* A session that could not be announced as closed is closed all the same: the daemon watches its process. */
	[CLOSE] = {[DENIED] = PAM_SESSION_ERR, [ALLOWED] = PAM_SUCCESS, [FAILED] = PAM_SESSION_ERR, [ABSENT] = PAM_AUTHINFO_UNAVAIL},
};

struct request {
	size_t len;
	unsigned char bytes[REQUEST_MAX];
};

struct answer {
	enum outcome outcome;
	char text[TEXT_MAX + 1];
};

/* ---- time ---- */

static int64_t now_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return INT64_MAX; /* without a clock every deadline is over */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until fd is ready or the deadline is over. */
static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline - now_ms();
		int n;

		if (left <= 0 || left > AGENT_DEADLINE_MS)
			return -1;
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0; /* an error or a hang-up shows in the call that follows */
		if (n < 0 && errno != EINTR)
			return -1;
	}
}

/* ---- request ---- */

static void put_u16(unsigned char *at, size_t n)
{
	at[0] = (unsigned char)(n >> 8);
	at[1] = (unsigned char)n;
}

/* u16 length | bytes. A missing value is an empty field; one that is too long is refused, never cut. */
static int add_field(struct request *r, const char *value)
{
	size_t n = value == NULL ? 0 : strnlen(value, FIELD_MAX + 1);

	if (n > FIELD_MAX || sizeof(r->bytes) - r->len < n + 2)
		return -1;
	put_u16(r->bytes + r->len, n);
	if (n > 0)
		memcpy(r->bytes + r->len + 2, value, n);
	r->len += n + 2;
	return 0;
}

static int add_item(struct request *r, const pam_handle_t *pamh, int item)
{
	const void *value = NULL;

	if (pam_get_item(pamh, item, &value) != PAM_SUCCESS)
		return -1;
	return add_field(r, value);
}

static char noted[FIELD_MAX + 1]; /* SSH_AUTH_INFO_0, as sshd left it; one transaction a process */
static const pam_handle_t *noted_of;

/*
 * Keeps what sshd says of the login, before another module puts something in its place: pam_env with user_readenv, as in Debian's stack,
 * takes variables of any name from a file in the user's home. It decides nothing. What does not fit is kept as nothing, which opens no session.
 */
static int note(pam_handle_t *pamh, enum hook hook)
{
	const char *info;

	if (hook != OPEN)
		return PAM_IGNORE;
	info = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	noted[0] = '\0';
	noted_of = pamh;
	if (info != NULL && strnlen(info, sizeof(noted)) < sizeof(noted))
		memcpy(noted, info, strlen(info) + 1);
	return PAM_IGNORE;
}

static const char *auth_info(pam_handle_t *pamh)
{
	return noted_of == pamh ? noted : pam_getenv(pamh, "SSH_AUTH_INFO_0");
}

/* Fields of all types: service, user, remote host, terminal; an open session adds SSH_AUTH_INFO_0, as sshd wrote it. */
static int build(struct request *r, pam_handle_t *pamh, enum hook hook, const char *user)
{
	memcpy(r->bytes, "DPK1", 4);
	r->bytes[4] = request_type[hook];
	r->len = REQUEST_HEADER;
	if (add_item(r, pamh, PAM_SERVICE) != 0 || add_field(r, user) != 0 || add_item(r, pamh, PAM_RHOST) != 0 ||
	    add_item(r, pamh, PAM_TTY) != 0)
		return -1;
	if (hook == OPEN && add_field(r, auth_info(pamh)) != 0)
		return -1;
	put_u16(r->bytes + 5, r->len - REQUEST_HEADER);
	return 0;
}

/* ---- exchange ---- */

/* Returns a connected descriptor, or -1 with errno. A full backlog is EAGAIN, for which poll(2) has no event. */
static int dial(int64_t deadline)
{
	static const struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = DPKI_PAM_SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	while (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
		int why = errno;

		if ((why != EAGAIN && why != EINTR) || now_ms() >= deadline) {
			close(fd);
			errno = why;
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* The folder is root's, but a path is only a path: the process that listens must be root's too (unix(7), SO_PEERCRED). */
static int peer_is_the_daemon(int fd)
{
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && n == sizeof(peer) && peer.uid == DPKI_PAM_PEER;
}

static int send_all(int fd, const struct request *r, int64_t deadline)
{
	size_t done = 0;

	while (done < r->len) {
		ssize_t n = send(fd, r->bytes + done, r->len - done, MSG_NOSIGNAL);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN && wait_for(fd, POLLOUT, deadline) != 0)
			return -1;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
	}
	return 0;
}

/* Reads to the end of file, into at most max bytes: the answer is complete only there. Returns the length, or -1. */
static ssize_t receive_all(int fd, unsigned char *to, size_t max, int64_t deadline)
{
	size_t got = 0;

	for (;;) {
		unsigned char extra;
		ssize_t n;

		if (wait_for(fd, POLLIN, deadline) != 0)
			return -1;
		n = got < max ? recv(fd, to + got, max - got, 0) : recv(fd, &extra, 1, 0);
		if (n == 0)
			return (ssize_t)got;
		if (n > 0 && got == max)
			return -1;
		if (n > 0)
			got += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return -1;
	}
}

/* u8 code | u16 length | text. What goes to a terminal is a line of printable bytes, whoever wrote it. */
static void parse(struct answer *a, const unsigned char *b, size_t len)
{
	static const enum outcome of_code[] = {DENIED, ALLOWED, FAILED};
	size_t i, n;

	if (len < ANSWER_HEADER)
		return;
	n = (size_t)b[1] << 8 | b[2];
	if (n != len - ANSWER_HEADER || n > TEXT_MAX || b[0] >= sizeof(of_code) / sizeof(of_code[0]))
		return;
	for (i = 0; i < n; i++) {
		unsigned char c = b[ANSWER_HEADER + i];

		a->text[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	a->text[n] = '\0';
	a->outcome = of_code[b[0]];
}

static void ask(struct answer *a, const struct request *r, int within)
{
	unsigned char b[ANSWER_HEADER + TEXT_MAX];
	int64_t deadline = now_ms();
	ssize_t n;
	int fd;

	memset(a, 0, sizeof(*a));
	a->outcome = FAILED;
	if (deadline > INT64_MAX - within)
		return;
	deadline += within;
	fd = dial(deadline);
	if (fd < 0) {
		a->outcome = errno == ENOENT || errno == ECONNREFUSED ? ABSENT : FAILED;
		return;
	}
	if (peer_is_the_daemon(fd) && send_all(fd, r, deadline) == 0) {
		n = receive_all(fd, b, sizeof(b), deadline);
		if (n >= 0)
			parse(a, b, (size_t)n);
	}
	close(fd);
}

/* ---- PAM ---- */

/* The user of a transaction is set once. A later module or application that changes it must not carry an answer over. */
static int same_user(pam_handle_t *pamh, const char *user)
{
	static char kept[USER_MAX]; /* one transaction a process, in sshd and in sudo */
	static const pam_handle_t *whose;
	const void *mark = NULL;

	if (strnlen(user, USER_MAX) == USER_MAX)
		return 0;
	if (pam_get_data(pamh, "dpki_user", &mark) == PAM_SUCCESS)
		return whose == pamh && strcmp(kept, user) == 0;
	memcpy(kept, user, strlen(user) + 1);
	whose = pamh;
	return pam_set_data(pamh, "dpki_user", kept, NULL) == PAM_SUCCESS;
}

/* While no daemon listens, only keys that the helper let in may open a session: every line must be a public key's. */
static int only_public_keys(pam_handle_t *pamh)
{
	const char *line = auth_info(pamh);

	if (line == NULL || *line == '\0')
		return 0;
	while (line != NULL && *line != '\0') {
		if (strncmp(line, "publickey ", 10) != 0)
			return 0;
		line = strchr(line, '\n');
		if (line != NULL)
			line++;
	}
	return 1;
}

/* Shown where the user sees it and no byte stream does: sshd puts a refusal of open_session on the command's output. */
static void show(pam_handle_t *pamh, enum hook hook, const struct answer *a, int flags)
{
	if (a->text[0] == '\0' || ((unsigned)flags & PAM_SILENT) != 0 || hook == CLOSE)
		return;
	if (a->outcome == ALLOWED)
		(void)pam_prompt(pamh, PAM_TEXT_INFO, NULL, "%s", a->text);
	else if (hook != OPEN)
		(void)pam_prompt(pamh, PAM_ERROR_MSG, NULL, "%s", a->text);
}

static int run(pam_handle_t *pamh, enum hook hook, int flags, int argc, const char **argv)
{
	static const char *const names[HOOKS] = {[AUTH] = "auth", [ACCOUNT] = "account", [OPEN] = "open_session", [CLOSE] = "close_session"};
	static const char *const words[OUTCOMES] = {[DENIED] = "denied", [ALLOWED] = "allowed", [FAILED] = "no answer", [ABSENT] = "no daemon"};
	struct request r;
	struct answer a = {0};
	const char *user = NULL;

	if (argc == 1 && strcmp(argv[0], "note") == 0 && (hook == OPEN || hook == CLOSE))
		return note(pamh, hook);
	if (argc != 0) {
		pam_syslog(pamh, LOG_ERR, "%s: unknown argument \"%.64s\": denied", names[hook], argv[0]);
		return pam_code[hook][DENIED];
	}
	if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS || user == NULL || !same_user(pamh, user)) {
		pam_syslog(pamh, LOG_ERR, "%s: no user, or another one than before: denied", names[hook]);
		return pam_code[hook][DENIED];
	}
	if (build(&r, pamh, hook, user) != 0) {
		pam_syslog(pamh, LOG_ERR, "%s: the request does not fit: denied", names[hook]);
		return pam_code[hook][DENIED];
	}
	ask(&a, &r, deadline_ms[hook]);
	if (hook == OPEN && a.outcome == ABSENT && !only_public_keys(pamh))
		a.outcome = DENIED;
	if (a.outcome != ALLOWED)
		pam_syslog(pamh, LOG_NOTICE, "%s: %s (see dpkid's log)", names[hook], words[a.outcome]);
	show(pamh, hook, &a, flags);
	return pam_code[hook][a.outcome];
}

EXPORT int pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, AUTH, flags, argc, argv);
}

/* There are no credentials to set; without this libpam would fail the stack after a success. */
EXPORT int pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh, (void)flags, (void)argv;
	return argc == 0 ? PAM_SUCCESS : PAM_CRED_ERR;
}

EXPORT int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, ACCOUNT, flags, argc, argv);
}

EXPORT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, OPEN, flags, argc, argv);
}

EXPORT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, CLOSE, flags, argc, argv);
}
