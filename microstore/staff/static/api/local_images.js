// Redoc shows a picture of another site, which would then know who reads this page: it gets none instead.
{
  const set = HTMLImageElement.prototype.setAttribute;

  HTMLImageElement.prototype.setAttribute = function (name, value) {
    const isForeign = name === "src" && new URL(value, location).origin !== location.origin;
    set.call(this, name, isForeign ? "data:," : value);
  };
}
