// Unpack, draw, listen.

async function start() {
  startTheme(() => { if (heat.maps.length) drawHeat(); });
  const packed = document.getElementById('packed');
  await unpack(packed.textContent);
  packed.remove();
  prepare();
  startHeat((host) => openDetail('host', host, true));
  startExplorer();
  let opened = [];
  window.addEventListener('beforeprint', () => { opened = [...document.querySelectorAll('details:not([open])')]; opened.forEach((part) => { part.open = true; }); });
  window.addEventListener('afterprint', () => opened.forEach((part) => { part.open = false; }));
  document.documentElement.dataset.ready = 'true';
}

start().catch((error) => {
  document.querySelector('main').prepend(make('p', 'This browser cannot show the heat map and the search: ' + error.message, { class: 'failure' }));
  throw error;
});
