/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KVM user device as a model for spin: the life of requests between two
 * vCPUs, one slave at a time, and the master.
 *
 * States, stages, functions and fields have the names of virt/kvm/devuser. What
 * the code does with devuser->lock held is one step here (d_step or atomic),
 * and everything between two such steps can happen in any order. A time-out,
 * signals, the slave's death, a fault of its read(), a late reply, an abandon and
 * a close of the master may come at any time, or not at all.
 *
 * What is shown, for every order of events:
 *
 *   exactly once   each store is read by a slave as new at most once, and in the
 *                  end it has been answered or, only if the device failed or the
 *                  master abandoned it, discarded: one of the two, once.
 *   R1             requests are read in the order in which they were queued.
 *   R3             a load completes with the reply to itself, and only after
 *                  every older store of its vCPU was answered or discarded.
 *   R7, R8         all ones are read only where something failed.
 *   R10            an access is queued once, however many signals come.
 *   R14            the master's wait ends, and only when all that was queued
 *                  before was answered or discarded.
 *   no lost wake-up, no deadlock: every process comes to its end; spin reports
 *                  one that does not as an invalid end state.
 *
 * Deliberately smaller than the code: one request of the device's own for
 * posted stores, two requests in a read(). What may happen in a run is said by the
 * macros that follow; lab/model.sh has the combinations.
 */

#ifndef SCENARIO
#define DIES		0	/* the first slave may be closed, at any time */
#define HOLD		0	/* KVM_DEVUSER_SLAVE_HOLD */
#define REPLAY		0	/* KVM_DEVUSER_SLAVE_REPLAY */
#define EXPIRES		0	/* a deadline may pass */
#define SIGNALS		0	/* this many signals may come, for vCPU 0 */
#define ABANDONS	0	/* the master may abandon */
#define CLOSES		0	/* the master may be closed early */
#define FAULTS		0	/* the slave's read() may fault */
#define WAITS		0	/* the master waits until its device is quiet */
#define LAST		LOAD	/* what vCPU 1 does */
#endif

#define VCPUS		2
#define STORES_MAX	1		/* KVM_DEVUSER_STORES_MAX */
#define SLOTS		3		/* STORES_MAX + VCPUS */
#define OPS		4		/* accesses of both vCPUs */
#define NONE		255
#define BATCH		2

mtype = { LOAD, STORE };
mtype = { IDLE, LIVE, HELD, FAILED, GONE };		/* devuser->state */
mtype = { FREE, PENDING, SENT };			/* devuser_request->stage */
mtype = { RUNNING, SLEEPING };				/* a task */

/* What the vCPUs do: vCPU 0 stores, stores and loads, vCPU 1 one of them. */
#define OWNER(op)	((op) / 3)
#define KIND(op)	((op) == 2 -> LOAD : ((op) == 3 -> LAST : STORE))
#define FIRST_OP(cpu)	(3 * (cpu))
#define LAST_OP(cpu)	(2 + (cpu))

/* --- struct devuser ---------------------------------------------------------- */

typedef request {
	mtype stage;
	bool awaited;
	bool replayed;			/* KVM_DEVUSER_REPLAYED */
	byte op;			/* stands for all the fields of io */
	byte seq;
}

mtype state = IDLE;
bool slave_open;
byte next_seq = 1;
byte abandons;
bool notified;				/* the master's eventfd */
request rq[SLOTS];			/* the pool, then the scores' own */
chan pending = [SLOTS] of { byte };	/* slots, oldest first */
chan sent = [SLOTS] of { byte };

typedef score_t {
	byte posted;
	bool answered;
	byte data;			/* the op that was answered, or NONE: ones */
	bool waiting;			/* on score->wait */
	mtype task;
	bool signal;
}
score_t score[VCPUS];

bool reader_waiting, quiet_waiting;
mtype reader_task = RUNNING, quiet_task = RUNNING;

/* --- what is asserted of ---------------------------------------------------- */

bool failed_once, abandoned_once;
byte queued_times[OPS], read_times[OPS], over_times[OPS];
byte done_vcpus;
bool expire;				/* deadlines have passed */
bool slave_gone = true;			/* no slave process runs */

#define OWN(cpu)	(STORES_MAX + (cpu))
#define IS_OWN(slot)	((slot) >= STORES_MAX)
#define IS_DEAD		(state == FAILED || state == GONE)

/* --- scoreboard.c ------------------------------------------------------------- */

inline score_wake(cpu) {
	if
	:: score[cpu].waiting -> score[cpu].task = RUNNING
	:: else
	fi
}

inline score_unpost(cpu) {
	assert(score[cpu].posted > 0);
	score[cpu].posted--;
	if
	:: score[cpu].posted == 0 -> score_wake(cpu)
	:: else
	fi
}

/* --- queue.c: all with devuser->lock held -------------------------------------- */

inline queue_add(slot, an_op) {
	assert(rq[slot].stage == FREE);
	rq[slot].op = an_op;
	rq[slot].seq = next_seq;
	rq[slot].replayed = false;
	next_seq++;
	queued_times[an_op]++;
	assert(queued_times[an_op] == 1);
	rq[slot].stage = PENDING;
	if
	:: (len(pending) == 0) && reader_waiting -> reader_task = RUNNING
	:: else
	fi;
	pending ! slot
}

#define POST_OK		0
#define POST_FULL	1

inline queue_post(cpu, an_op, result) {
	if
	:: IS_DEAD ->
		over_times[an_op]++;
		result = POST_OK
	:: !IS_DEAD && rq[0].stage != FREE ->
		result = POST_FULL
	:: else ->
		rq[0].awaited = false;
		score[cpu].posted++;
		queue_add(0, an_op);
		result = POST_OK
	fi
}

inline queue_await(cpu, an_op) {
	rq[OWN(cpu)].awaited = true;
	score[cpu].answered = false;
	queue_add(OWN(cpu), an_op)
}

inline queue_del(slot) {
	if
	:: rq[slot].stage == PENDING -> pending ?? eval(slot)
	:: else -> sent ?? eval(slot)
	fi;
	rq[slot].stage = FREE;
	if
	:: KIND(rq[slot].op) == STORE -> over_times[rq[slot].op]++
	:: else
	fi;
	if
	:: KIND(rq[slot].op) == STORE && !rq[slot].awaited ->
		score_unpost(OWNER(rq[slot].op))
	:: else
	fi;
	if
	:: quiet_waiting -> quiet_task = RUNNING
	:: else
	fi
}

inline queue_answer(slot, value) {
	if
	:: IS_OWN(slot) ->
		if
		:: rq[slot].awaited ->
			rq[slot].awaited = false;
			score[slot - STORES_MAX].data = value;
			score[slot - STORES_MAX].answered = true
		:: else
		fi;
		score_wake(slot - STORES_MAX)
	:: else
	fi
}

inline queue_forget(cpu) {
	score[cpu].answered = false;
	if
	:: rq[OWN(cpu)].stage == FREE
	:: else ->
		rq[OWN(cpu)].awaited = false;
		if
		:: KIND(rq[OWN(cpu)].op) == STORE -> score[cpu].posted++
		:: KIND(rq[OWN(cpu)].op) == LOAD && rq[OWN(cpu)].stage == PENDING ->
			queue_del(OWN(cpu))
		:: else
		fi
	fi
}

inline queue_fail(queue) {
	do
	:: (len(queue) > 0) ->
		queue ? < f_slot >;
		queue_del(f_slot);
		queue_answer(f_slot, NONE)
	:: (len(queue) == 0) -> break
	od
}

/* The sent ones go before those that are pending, in their order. */
inline queue_replay() {
	f_count = len(pending);
	do
	:: (len(sent) > 0) ->
		sent ? f_slot;
		rq[f_slot].stage = PENDING;
		rq[f_slot].replayed = true;
		pending ! f_slot
	:: (len(sent) == 0) -> break
	od;
	do
	:: f_count > 0 -> pending ? f_slot; pending ! f_slot; f_count--
	:: f_count == 0 -> break
	od;
	f_slot = 0
}

/* --- device.c --------------------------------------------------------------- */

inline fail(new_state) {
	state = new_state;
	failed_once = true;
	queue_fail(sent);
	queue_fail(pending);
	score_wake(0);
	score_wake(1);
	reader_task = RUNNING;
	notified = true;
	f_slot = 0
}

/* --- access.c ---------------------------------------------------------------- */

inline access_complete(value) {
	result = value;
	queued = false;
	finished = true
}

inline access_abandon(cpu, an_op) {
	abandoned_once = true;
	if
	:: queued -> queue_forget(cpu)
	:: !queued && KIND(an_op) == STORE ->
		queue_post(cpu, an_op, posted);
		if
		:: posted == POST_FULL -> over_times[an_op]++
		:: else
		fi
	:: else
	fi;
	access_complete(NONE)
}

inline access_step_queued(cpu, an_op) {
	if
	:: !score[cpu].answered
	:: score[cpu].answered && KIND(an_op) == LOAD && score[cpu].posted > 0
	:: else ->
		score[cpu].answered = false;
		access_complete(score[cpu].data)
	fi
}

inline await_if_free(cpu, an_op) {
	if
	:: rq[OWN(cpu)].stage == FREE ->
		queue_await(cpu, an_op);
		queued = true
	:: else
	fi
}

inline access_step(cpu, an_op) {
	if
	:: my_abandons != abandons -> access_abandon(cpu, an_op)
	:: my_abandons == abandons && queued -> access_step_queued(cpu, an_op)
	:: my_abandons == abandons && !queued && KIND(an_op) == LOAD && IS_DEAD ->
		access_complete(NONE)
	:: my_abandons == abandons && !queued && KIND(an_op) == LOAD && !IS_DEAD ->
		await_if_free(cpu, an_op)
	:: my_abandons == abandons && !queued && KIND(an_op) == STORE ->
		queue_post(cpu, an_op, posted);
		if
		:: posted == POST_OK -> access_complete(NONE)
		:: else -> await_if_free(cpu, an_op)
		fi
	fi
}

/* R3, and no reply but one's own. */
inline check_load(cpu, an_op) {
	assert(result == an_op || (result == NONE && (failed_once || abandoned_once)));
	f_count = FIRST_OP(cpu);
	do
	:: f_count < an_op && result != NONE ->
		assert(over_times[f_count] == 1);
		f_count++
	:: else -> break
	od;
	f_count = 0
}

inline access_try(cpu, an_op) {
	d_step {
		access_step(cpu, an_op);
		if
		:: !finished && expire ->
			assert(!IS_DEAD);
			expire = false;
			fail(FAILED);
			access_step(cpu, an_op);
			assert(finished)
		:: else
		fi;
		if
		:: finished && KIND(an_op) == LOAD -> check_load(cpu, an_op)
		:: else
		fi;
		posted = 0
	}
}

proctype vcpu(byte cpu) {
	byte op = FIRST_OP(cpu), result = NONE, posted, f_slot, f_count, my_abandons;
	bool queued, finished;

next:	skip;
	/* iobus.c, and what it declines devuser_access_take() takes up. */
	d_step {
		if
		:: KIND(op) == STORE ->
			queue_post(cpu, op, posted);
			finished = (posted == POST_OK);
			posted = 0
		:: KIND(op) == LOAD && IS_DEAD -> finished = true
		:: else
		fi;
		my_abandons = abandons
	}
	if
	:: finished -> goto over
	:: else
	fi;
kvm_run:	skip;
	/* devuser_access_wait() */
	d_step { score[cpu].waiting = true; score[cpu].task = SLEEPING }
try:	skip;
	access_try(cpu, op);
	if
	:: finished
	/* -EINTR, and KVM_RUN again */
	:: d_step { !finished && score[cpu].signal ->
		score[cpu].signal = false; score[cpu].waiting = false } -> goto kvm_run
	/* schedule_hrtimeout() returns */
	:: d_step { !finished && (score[cpu].task == RUNNING || expire) ->
		score[cpu].task = SLEEPING } -> goto try
	fi;
over:	skip;
	d_step {
		score[cpu].waiting = false;
		score[cpu].task = RUNNING;
		op++;
		result = NONE;
		my_abandons = 0;
		finished = false
	}
	if
	:: op <= LAST_OP(cpu) -> goto next
	:: else
	fi;
	d_step { op = 0; done_vcpus++ }
}

/* --- slave.c ------------------------------------------------------------------ */

/* What arrived in userspace; devuser_queue_send() then moves what is left of it. */
inline queue_peek() {
	n = 0;
	f_count = len(pending);
	do
	:: f_count > 0 ->
		pending ? f_slot;
		pending ! f_slot;
		f_count--;
		if
		:: n < BATCH ->
			got_slot[n] = f_slot;
			got_seq[n] = rq[f_slot].seq;
			got_op[n] = rq[f_slot].op;
			got_new[n] = !rq[f_slot].replayed;
			n++
		:: else
		fi
	:: f_count == 0 -> break
	od;
	f_slot = 0
}

inline queue_send(last_seq) {
	do
	:: (len(pending) == 0) -> break
	:: (len(pending) > 0) ->
		pending ? < f_slot >;
		if
		:: rq[f_slot].seq > last_seq -> break
		:: else ->
			pending ? f_slot;
			rq[f_slot].stage = SENT;
			sent ! f_slot
		fi
	od;
	f_slot = 0
}

/* The process has the batch: it may answer it, and must not see anything twice. */
inline receive() {
	f_count = 0;
	do
	:: f_count < n ->
		if
		:: got_new[f_count] ->
			read_times[got_op[f_count]]++;
			assert(read_times[got_op[f_count]] == 1)
		:: else
		fi;
		assert(got_seq[f_count] > last_read_seq);
		last_read_seq = got_seq[f_count];
		to_answer[got_slot[f_count]] = got_op[f_count] + 1;
		f_count++
	:: f_count == n -> break
	od;
	f_count = 0
}

inline forget_batch() {
	got_slot[0] = 0; got_seq[0] = 0; got_op[0] = 0; got_new[0] = false;
	got_slot[1] = 0; got_seq[1] = 0; got_op[1] = 0; got_new[1] = false;
	n = 0
}

inline slave_read(block) {
	d_step { queue_peek() }
	if
	:: n > 0 ->
		if
		:: d_step { receive(); queue_send(got_seq[n - 1]); forget_batch() }
		:: d_step { FAULTS && !faulted -> faulted = true; forget_batch() }
		fi
	:: else ->
		if
		:: IS_DEAD -> break
		:: !IS_DEAD && !(block)
		:: else ->
			/* wait_event_interruptible(d->readers, ...) */
			d_step { reader_waiting = true; reader_task = SLEEPING }
			if
			:: d_step { ((len(pending) > 0) || state != LIVE) -> reader_task = RUNNING }
			:: else ->
				if
				:: reader_task == RUNNING
				:: may_die
				fi
			fi;
			d_step { reader_waiting = false; reader_task = RUNNING }
		fi
	fi
}

/* devuser_queue_reply(); what is refused changes nothing. */
inline queue_reply(slot) {
	if
	:: state == LIVE && rq[slot].stage == SENT && rq[slot].op == to_answer[slot] - 1 ->
		queue_del(slot);
		queue_answer(slot, to_answer[slot] - 1)
	:: else
	fi;
	to_answer[slot] = 0
}

inline slave_closed() {
	slave_open = false;
	if
	:: state != LIVE -> notified = true
	:: state == LIVE && !HOLD -> fail(FAILED)
	:: else ->
		state = HELD;
		failed_once = failed_once || (!REPLAY && (len(sent) > 0));
		if
		:: REPLAY -> queue_replay()
		:: else -> queue_fail(sent)
		fi;
		f_slot = 0;
		notified = true
	fi
}

proctype slave(bool may_die) {
	byte n, f_slot, f_count, last_read_seq;
	byte got_slot[BATCH], got_seq[BATCH], got_op[BATCH];
	bool got_new[BATCH], faulted;
	byte to_answer[SLOTS];		/* the op that stands for the seq, plus 1 */

	do
	:: may_die -> break
	:: d_step { to_answer[0] != 0 -> queue_reply(0) }
	:: d_step { to_answer[1] != 0 -> queue_reply(1) }
	:: d_step { to_answer[2] != 0 -> queue_reply(2) }
	/* With replies left to give it does not wait in read(). */
	:: slave_read(to_answer[0] == 0 && to_answer[1] == 0 && to_answer[2] == 0)
	od;
	skip;
	d_step { slave_closed() }
	slave_gone = true
}

/* --- master.c ----------------------------------------------------------------- */

inline open_slave(may_die) {
	d_step { slave_open = true; slave_gone = false; state = LIVE }
	run slave(may_die)
}

proctype master() {
	byte f_slot, f_count;
	bool abandoned;

	if
	:: DIES -> open_slave(true)
	:: open_slave(false)
	fi;
	do
	:: done_vcpus == VCPUS && (len(pending) == 0) && (len(sent) == 0) -> break
	:: CLOSES -> break
	:: atomic { notified && !slave_open && slave_gone && (state == HELD || state == FAILED) ->
		notified = false; open_slave(false) }
	:: d_step { ABANDONS && !abandoned ->
		abandoned = true; abandons++; score_wake(0); score_wake(1) }
	od;
	skip;
	d_step {
		f_count = failed_once || (len(pending) > 0) || (len(sent) > 0) || done_vcpus < VCPUS;
		fail(GONE);
		failed_once = f_count
	}
}

/* devuser_master_quiet() with KVM_DEVUSER_QUIET_BARRIER. */
proctype quiet() {
	byte before_seq, slot, f_count;
	bool is_quiet;

	before_seq = next_seq;
	do
	:: d_step { quiet_waiting = true; quiet_task = SLEEPING }
		d_step {
			is_quiet = true;
			if
			:: (len(sent) > 0) -> sent ? < slot >; is_quiet = rq[slot].seq >= before_seq
			:: (len(sent) == 0) && (len(pending) > 0) ->
				pending ? < slot >; is_quiet = rq[slot].seq >= before_seq
			:: else
			fi;
			slot = 0
		}
		if
		:: is_quiet -> break
		:: else -> (quiet_task == RUNNING)
		fi
	od;
	skip;
	d_step {
		quiet_waiting = false;
		quiet_task = RUNNING;
		do
		:: f_count < SLOTS ->
			assert(rq[f_count].stage == FREE || rq[f_count].seq >= before_seq);
			f_count++
		:: f_count == SLOTS -> break
		od
	}
}

/* --- what comes from outside, or does not ---------------------------------------- */

proctype signals() {
	byte left = SIGNALS;

	do
	:: d_step { left > 0 -> score[0].signal = true; left-- }
	:: left = 0; break
	od
}

proctype timer() {
	if
	:: EXPIRES -> expire = true
	:: true
	fi
}

inline check_end() {
	d_step {
		do
		:: i < OPS ->
			assert(KIND(i) == LOAD || over_times[i] == 1);
			assert(KIND(i) == LOAD || read_times[i] == 1 || failed_once || abandoned_once);
			i++
		:: i == OPS -> break
		od
	}
}

init {
	byte i;

	atomic {
		do
		:: i < SLOTS -> rq[i].stage = FREE; i++
		:: i == SLOTS -> break
		od;
		i = 0;
		score[0].task = RUNNING;
		score[1].task = RUNNING;
		run master();
		(state != IDLE) -> run vcpu(0);
		run vcpu(1);
		if
		:: WAITS -> run quiet()
		:: else
		fi;
		if
		:: SIGNALS > 0 -> run signals()
		:: else
		fi;
		if
		:: EXPIRES -> run timer()
		:: else
		fi
	}
	(_nr_pr == 1) -> check_end()
}
