// What a customer's own page does: hands the panel a way to get a token, and shows its list of users.
// `?space=` and `?lang=` choose the client space and the language; tests choose `?seconds=`, `?scope=` and `?subject=` too.

const address = new URL(location.href);
const space = address.searchParams.get('space') ?? 'acme';
const panel = document.querySelector('user-management-log');
const tokenAddress = new URL('/demo/session/audit-token', location.href);
tokenAddress.searchParams.set('client_space', space);
for (const [own, parameter] of [['seconds', 'expires_in_seconds'], ['scope', 'scope'], ['subject', 'subject']]) {
  if (address.searchParams.has(own)) tokenAddress.searchParams.set(parameter, address.searchParams.get(own));
}

async function getToken() {
  const response = await fetch(tokenAddress, { method: 'POST' });
  if (!response.ok) throw new Error('not signed in');
  return response.text();
}

panel.getToken = getToken;

const choose = (id, apply) => {
  const select = document.getElementById(id);
  select.addEventListener('change', () => apply(select.value));
  return select;
};
const setLanguage = (language) => {
  document.documentElement.lang = language;
  panel.lang = language;
};
const setTheme = (theme) => {
  document.documentElement.dataset.theme = theme;
};
choose('theme', setTheme);
const language = choose('language', setLanguage);
language.value = address.searchParams.get('lang') === 'fr' ? 'fr' : 'en';
setLanguage(language.value);
const spaces = document.getElementById('space');
if (![...spaces.options].some((option) => option.value === space)) spaces.add(new Option(space));
spaces.value = space;
spaces.addEventListener('change', () => {
  // Another client space is another log: nothing of this one's filters goes along.
  location.search = new URLSearchParams({ space: spaces.value, lang: language.value });
});

async function showUsers() {
  const note = document.getElementById('note');
  try {
    const headers = { Authorization: `Bearer ${await getToken()}` };
    const response = await fetch('/v1/users?limit=100', { headers });
    if (!response.ok) throw new Error(String(response.status));
    const users = (await response.json()).data.filter((user) => !user.deleted);
    const body = document.querySelector('#users tbody');
    for (const user of users) {
      const row = body.insertRow();
      for (const text of [user.display_name ?? '–', user.username ?? '–', String(user.activities)]) {
        const name = document.createElement('bdi');
        name.textContent = text;
        row.insertCell().append(name);
      }
      const history = document.createElement('button');
      history.textContent = 'History';
      history.dataset.umlUser = user.id;
      history.setAttribute('aria-label', `History of ${user.display_name ?? user.username ?? user.id}`);
      row.insertCell().append(history);
    }
    document.getElementById('users').hidden = !users.length;
    note.textContent = users.length ? `${users.length} users that the log mentions, the last mentioned first` : 'No users yet';
  } catch {
    note.textContent = 'The users could not be loaded.';
  }
}

void showUsers();
