// Live pages: one question by a stream of events, a list by asking now and then. What comes
// is set as text, never as markup. Without this script the pages reload themselves.

const rest = ms => new Promise(done => setTimeout(done, ms));
const word = s => s.ended && s.steps ? s.steps.at(-1).name : s.phase;

// set changes a text only if it is another one: a live region is read aloud when it changes.
function set(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function localise(root) {
  for (const t of root.querySelectorAll('time')) set(t, new Date(t.dateTime).toLocaleTimeString());
}

// follow calls see with each status of a job until it has ended: from a stream, or by
// asking where there is none.
function follow(job, see, connected) {
  const source = new EventSource(job + '/events');
  source.onopen = () => connected(true);
  source.onmessage = m => {
    const s = JSON.parse(m.data);
    if (s.ended) source.close();
    see(s);
  };
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) poll(job, see, connected); // it won't try again
    else connected(false);
  };
}

async function poll(job, see, connected) {
  for (let tag = ''; ;) {
    const begun = Date.now();
    try {
      // Without a tag it would be the end that the server waits for.
      const answer = await fetch(job, {headers: tag ? {Prefer: 'wait=15', 'If-None-Match': tag} : {}});
      connected(true);
      if (answer.ok) {
        tag = answer.headers.get('ETag') ?? '';
        const s = await answer.json();
        see(s);
        if (s.ended) return;
      } else if (answer.status === 404) return;
      else if (answer.status !== 304) await rest(1000 * (Number(answer.headers.get('Retry-After')) || 5));
    } catch {
      connected(false);
      await rest(2000);
    }
    await rest(Math.max(0, 500 - (Date.now() - begun))); // whatever the server thinks of waiting
  }
}

// The page of one question.
function question(main) {
  const at = id => document.getElementById(id);
  const cancel = at('cancel');

  function see(s) {
    set(at('state'), word(s));
    at('state').className = 'state ' + s.phase;
    if (s.steps) at('steps').replaceChildren(...s.steps.map(step => {
      const li = document.createElement('li');
      li.textContent = step.name;
      li.className = step.state;
      if (step.state === 'current') li.setAttribute('aria-current', 'step');
      return li;
    }));
    const percent = Math.round(s.progress?.percent ?? 0);
    at('progress').value = percent;
    set(at('progress'), percent + ' %');
    set(at('far'), percent + ' %' + (s.progress?.text ? ', ' + s.progress.text + ' products' : ''));
    set(at('attempt'), String(s.attempt));
    const failure = s.ended ? '' : s.failures?.at(-1)?.text ?? '';
    at('failure').hidden = !failure;
    set(at('failure'), failure);
    document.title = main.querySelector('h1').textContent + ': ' + word(s);
    if (s.ended) end();
  }

  // end takes what the question came to from the page as the server has it now.
  async function end() {
    at('bar').hidden = cancel.hidden = true;
    const page = await fetch(location.href).then(answer => answer.text());
    const now = new DOMParser().parseFromString(page, 'text/html').getElementById('outcome');
    at('outcome').replaceWith(document.adoptNode(now));
  }

  cancel.addEventListener('submit', async e => {
    e.preventDefault();
    cancel.querySelector('button').disabled = true;
    const answer = await fetch(main.dataset.job, {method: 'DELETE'}).catch(() => ({status: 0}));
    if (answer.status !== 202 && answer.status !== 409) cancel.querySelector('button').disabled = false; // once more, then
  });
  follow(main.dataset.job, see, well => { at('link').hidden = well; });
}

// The list. Browsers open few connections to a site: one question after the other.
async function list(rows) {
  while (rows.length) {
    await rest(1000);
    for (const row of rows) {
      const answer = await fetch(row.dataset.job).catch(() => null);
      if (!answer?.ok) continue;
      const s = await answer.json();
      set(row.querySelector('.state'), word(s));
      row.querySelector('.state').className = 'state ' + s.phase;
      set(row.querySelector('.far'), s.phase === 'running' ? Math.round(s.progress?.percent ?? 0) + ' %' : '');
      if (s.ended) delete row.dataset.job;
    }
    rows = rows.filter(row => row.dataset.job);
  }
}

localise(document);
const main = document.getElementById('question');
if (main?.dataset.job) question(main);
list([...document.querySelectorAll('li[data-job]')]);
